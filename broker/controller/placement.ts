/**
 * Replicas onto brokers: leaders go round the brokers, replicas of one partition land on different racks as long as
 * there are racks, and the start is random so that many small topics do not pile up on the first broker.
 */
import type { BrokerImage } from '../metadata/mod.ts';
import { assert, type Random } from '../std/mod.ts';

/** Brokers in an order in which neighbours stand in different racks: one of each rack, then the next of each. */
function interleaveRacks(brokers: readonly BrokerImage[]): BrokerImage[] {
  const racks = new Map<string, BrokerImage[]>();
  for (const broker of [...brokers].sort((a, b) => a.id - b.id)) {
    const rack = broker.rack ?? '';
    const members = racks.get(rack);
    if (members === undefined) racks.set(rack, [broker]);
    else members.push(broker);
  }
  const lists = [...racks.values()];
  const order: BrokerImage[] = [];
  for (let row = 0; order.length < brokers.length; row++) {
    for (const members of lists) {
      const broker = members[row];
      if (broker !== undefined) order.push(broker);
    }
  }
  return order;
}

/** Broker ids per partition, the preferred leader first. */
export function placeReplicas(options: {
  readonly brokers: readonly BrokerImage[];
  readonly partitionCount: number;
  readonly replicationFactor: number;
  /** Index of the first new partition, so that added partitions go on where the old ones ended. */
  readonly firstPartition: number;
  readonly random: Random;
}): number[][] {
  const { partitionCount, replicationFactor, firstPartition, random } = options;
  // Fenced brokers come last: they hold replicas only when there are not enough others.
  const alive = interleaveRacks(options.brokers.filter((broker) => !broker.isFenced));
  const order = [...alive, ...interleaveRacks(options.brokers.filter((broker) => broker.isFenced))];
  assert(replicationFactor <= order.length, 'there are enough brokers for the replication factor');
  const leaders = Math.max(alive.length, 1);
  const start = random.uint32() % leaders;
  return Array.from({ length: partitionCount }, (_, index) => {
    const position = start + firstPartition + index;
    const replicas = [(order[position % leaders] as BrokerImage).id];
    // A shift per round keeps the followers of one leader from all being the same brokers.
    const shift = Math.floor(position / leaders) % Math.max(order.length - 1, 1);
    for (let step = 0; replicas.length < replicationFactor; step++) {
      const candidate = order[(position + 1 + ((shift + step) % Math.max(order.length - 1, 1))) % order.length];
      const id = (candidate as BrokerImage).id;
      if (!replicas.includes(id)) replicas.push(id);
      assert(step <= order.length * 2, 'every broker is tried before the search ends');
    }
    return replicas;
  });
}

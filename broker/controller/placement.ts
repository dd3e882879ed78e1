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
  const fenced = interleaveRacks(options.brokers.filter((broker) => broker.isFenced));
  const brokers = alive.length + fenced.length;
  assert(replicationFactor <= brokers, 'there are enough brokers for the replication factor');
  const leaders = alive.length > 0 ? alive : fenced;
  const start = random.uint32() % leaders.length;
  return Array.from({ length: partitionCount }, (_, index) => {
    const position = start + firstPartition + index;
    const leader = leaders[position % leaders.length] as BrokerImage;
    // A shift per round keeps the followers of one leader from all being the same brokers.
    const first = position + 1 + (Math.floor(position / leaders.length) % Math.max(leaders.length - 1, 1));
    const chosen = [leader];
    for (const group of [rotated(alive, first), rotated(fenced, first)]) {
      for (const mayShareRack of [false, true]) {
        for (const candidate of group) {
          if (chosen.length === replicationFactor) break;
          if (chosen.includes(candidate)) continue;
          if (mayShareRack || !chosen.some(({ rack }) => rack === candidate.rack)) chosen.push(candidate);
        }
      }
    }
    return chosen.map(({ id }) => id);
  });
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const at = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

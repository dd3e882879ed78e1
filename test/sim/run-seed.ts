/** One simulated history, drawn whole from its seed: start, shake, mend, and look at what is left. */
import { MemoryStore, type MemoryStoreState } from '../../broker/coordination/mod.ts';
import { partitionOfKey } from '../../broker/coordinator-runtime/mod.ts';
import { type PartitionImage, restoreMetadata } from '../../broker/metadata/mod.ts';
import { randomUuid } from '../../broker/std/mod.ts';
import { SeededRandom } from '../../broker/std/sim/prng.ts';
import * as calls from '../support/calls.ts';
import { Faults } from './faults.ts';
import { GroupHistory } from './group-history.ts';
import { runMember } from './group-member.ts';
import { History } from './history.ts';
import { MetadataChecker } from './metadata-checker.ts';
import { checkJoined, checkReplicas } from './replica-checker.ts';
import { SimClient } from './sim-client.ts';
import { SimCluster } from './sim-cluster.ts';
import { electLeadersCall, recordsOf, runAdmin, runCommitter, runProducer, runReader, type Stop } from './workload.ts';

export interface SeedResult {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly counters: ReadonlyMap<string, number>;
  /** The last lines of what happened; empty when all went well. */
  readonly trace: readonly string[];
}

const TOPICS = [
  { name: 'plain', partitions: 2, configs: {} },
  { name: 'flushed', partitions: 1, configs: { 'flush.messages': '1' } },
] as const;
const START_MS_MAX = 60_000;
const RECOVERY_MS_MAX = 120_000;
const TRACE_LINES = 400;
const LOOK_EVERY_MS = 50;
const RING_BATCHES = 12;
const MEMBERS = 3;

export async function runSeed(seed: number, steps: number): Promise<SeedResult> {
  const random = new SeededRandom(seed);
  const brokers = random.chance(0.7) ? 3 : 5;
  const cluster = new SimCluster({ seed: random.uint32(), brokers, overrides: OVERRIDES });
  const history = new History(() => cluster.clock.monotonicMs());
  const checker = new MetadataChecker(cluster.store, history);
  // Without power losses nothing acknowledged may be missing, on any topic; with them, only what no flush was promised
  // for, and only where the cluster says so by an election of a leader that recovers.
  const allowsPowerLoss = random.chance(0.5);
  const faults = new Faults({ cluster, random: random.fork(), history, allowsPowerLoss });
  cluster.onPermit = (id, brokerEpoch) => checker.permitUsed(id, brokerEpoch);
  // As the ring of Kubernetes, which overwrites no batch that a snapshot does not cover.
  if (random.chance(0.4)) cluster.store.ringBatches = RING_BATCHES;
  const goesBackAt = random.chance(0.15) ? random.below(steps) : -1;
  checker.canLose = () => (history.counters.get('power losses') ?? 0) + (history.counters.get('lost disks') ?? 0) > 0;
  checker.joined = (topic, state, before) => checkJoined(cluster, checker.image, { topic, state, before }, history);
  cluster.onAppended = (id, offset, payload) => checker.appended(id, offset, payload);
  const stop: Stop = { isStopped: false };
  const onRejection = (error: unknown): void => {
    cluster.failures.push(error instanceof Error ? error : new Error(String(error)));
  };
  process.on('unhandledRejection', onRejection);
  const clientOf = (name: string): SimClient =>
    new SimClient({
      name,
      clock: cluster.clock,
      network: cluster.network.endpoint(`client-${name}`),
      ports: cluster.bootstrapPorts,
    });
  try {
    for (const { id } of cluster.nodes) cluster.start(id);
    if (!(await cluster.until(() => cluster.nodes.every(({ state }) => state === 'running'), START_MS_MAX))) {
      history.violation('the cluster did not start');
      return resultOf(seed, history, cluster);
    }
    const setUp = createTopics(clientOf('setup'));
    await cluster.pass(5000);
    await setUp;
    faults.goOnShaking();

    let name = 0;
    const running: Promise<void>[] = [];
    for (const { name: topic, partitions } of TOPICS) {
      for (let partition = 0; partition < partitions; partition++) {
        for (const isIdempotent of [true, false]) {
          const client = clientOf(`c${name++}`);
          running.push(runProducer({ client, history, random: random.fork(), topic, partition, isIdempotent, stop }));
        }
        running.push(runReader({ client: clientOf(`c${name++}`), history, topic, partition, stop }));
      }
    }
    const isCoordinatorOf =
      (groupId: string) =>
      (port: number): boolean => {
        const partitions = checker.image.topicsByName.get('__consumer_offsets')?.partitions ?? [];
        const partition = partitionOfKey(groupId, Math.max(1, partitions.length));
        const id = cluster.bootstrapPorts.indexOf(port) + 1;
        const replica = cluster.node(id).running?.broker.replicas.get('__consumer_offsets', partition);
        return replica?.leaderEpoch === partitions[partition]?.leaderEpoch && partitions[partition]?.leader === id;
      };
    for (const groupId of ['g1', 'g2']) {
      const client = clientOf(groupId);
      const isCoordinator = isCoordinatorOf(groupId);
      running.push(runCommitter({ client, history, groupId, topic: 'plain', isCoordinator, stop }));
    }
    const mayHaveLost = (): boolean => [0, 1].some((partition) => history.mayHaveLost('__consumer_offsets', partition));
    const group = new GroupHistory({ groupId: 'members', history, mayHaveLost });
    const isCoordinator = isCoordinatorOf(group.groupId);
    for (let member = 0; member < MEMBERS; member++) {
      const { name: topic, partitions } = TOPICS[0];
      const own = { client: clientOf(`member-${member}`), random: random.fork() };
      running.push(runMember({ ...own, history, group, topic, partitions, isCoordinator, stop }));
    }
    running.push(
      runAdmin({ client: clientOf('admin'), history, random: random.fork(), brokers, topics: TOPICS, stop }),
    );

    const shake = async (ms: number): Promise<void> => {
      for (let left = ms; left > 0 && history.violations.length === 0; left -= LOOK_EVERY_MS) {
        await cluster.pass(Math.min(left, LOOK_EVERY_MS));
        checkReplicas(cluster, checker.image, history);
      }
    };
    for (let step = 0; step < steps; step++) {
      await shake(random.chance(0.3) ? random.below(200) : random.below(2500));
      faults.step();
      if (step === goesBackAt) await goBackInTime(cluster, checker, faults, history);
    }

    // Again and again: who was stopping when everything was mended is to be started too.
    const isMended = (): boolean => {
      faults.mendAll();
      return unhealthy(checker, cluster) === '';
    };
    if (!(await cluster.until(isMended, RECOVERY_MS_MAX))) {
      // Where a disk was lost on which the last hope lay, nobody may lead before somebody says that loss is accepted.
      const hasLostDisk = history.counters.has('lost disks');
      checker.isLossAccepted = hasLostDisk;
      if (hasLostDisk) void acceptLoss(clientOf('operator'));
      if (!hasLostDisk || !(await cluster.until(isMended, RECOVERY_MS_MAX))) {
        history.violation(`the cluster did not recover: ${unhealthy(checker, cluster)}`);
      }
    }
    await cluster.pass(3000);
    stop.isStopped = true;
    await cluster.pass(15_000);
    history.checkTopics(checker.image.topicsByName);
    if (history.violations.length === 0) await checkEnd(cluster, checker, history);
    for (const error of cluster.failures) history.violation(`an error nobody caught: ${error.stack}`);
    for (const line of cluster.trace.last(4000)) {
      if (/ error (request failed|response could not)/.test(line)) history.violation(line);
    }
  } finally {
    process.off('unhandledRejection', onRejection);
    for (const { id } of cluster.nodes) cluster.kill(id);
  }
  return resultOf(seed, history, cluster);
}

const OVERRIDES = {
  'log.segment.bytes': '1048576',
  'ottla.metadata.snapshot.batches': '4',
  'ottla.control.secret': 'the-secret-of-the-simulation',
};

async function acceptLoss(client: SimClient): Promise<void> {
  for (let tries = 0; tries < 5; tries++) {
    await client
      .ask(client.anyPort(), electLeadersCall, 2, { electionType: 1, topicPartitions: null, timeoutMs: 5000 })
      .catch(() => {});
    await client.pause(2000);
  }
}

/** The store is put back to an earlier time: nobody may act on it until it is restored. */
async function goBackInTime(
  cluster: SimCluster,
  checker: MetadataChecker,
  faults: Faults,
  history: History,
): Promise<void> {
  const { store } = cluster;
  const earlier = store.copy();
  faults.mendAll();
  const isMended = (): boolean => unhealthy(checker, cluster) === '';
  // Everybody has read to the end, so everybody can tell.
  if (!(await cluster.until(isMended, RECOVERY_MS_MAX)) || store.end - earlier.end < 2) return faults.goOnShaking();
  await cluster.pass(2000);
  history.count('stores gone back');
  cluster.trace.add('store', 'sim', 'goes back in time', { from: store.end, to: earlier.end });
  const known = cluster.nodes.map(({ running }) => running?.broker.image).filter((image) => image !== undefined);
  const best = known.reduce((a, b) => (b.nextOffset > a.nextOffset ? b : a));
  store.goBackTo(earlier);
  const victim = cluster.random.pick(cluster.nodes);
  cluster.kill(victim.id);
  await cluster.pass(1000);
  cluster.start(victim.id);
  await cluster.pass(15_000);
  if (store.end !== earlier.end) history.violation('somebody wrote to a store that had gone back in time');
  for (const { id } of cluster.nodes) {
    const image = cluster.node(id).running?.broker.image;
    if (image !== undefined && image.nextOffset < earlier.end)
      history.violation(`broker ${id} went back with the store`);
  }
  checker.isRestoring = true;
  const offset = await restoreMetadata(new MemoryStore(calm(store), cluster.clock), best, randomUuid(cluster.random));
  checker.restored({ ...best, nextOffset: offset, controllerEpoch: store.snapshot?.controllerEpoch ?? 0 });
  checker.isRestoring = false;
  faults.goOnShaking();
}

/** The store without its faults, for whoever mends it by hand. */
function calm(store: MemoryStoreState): MemoryStoreState {
  return new Proxy(store, {
    get: (target, key) => (key === 'fault' ? () => undefined : Reflect.get(target, key, target)),
    set: (target, key, value) => Reflect.set(target, key, value, target),
  });
}

async function createTopics(client: SimClient): Promise<void> {
  for (const { name, partitions: numPartitions, configs } of TOPICS) {
    await client.ask(client.anyPort(), calls.createTopicsCall, 7, {
      timeoutMs: 5000,
      validateOnly: false,
      topics: [
        {
          name,
          numPartitions,
          replicationFactor: 3,
          assignments: [],
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        },
      ],
    });
  }
}

/** What is not well yet, for people; empty when all brokers serve and every partition is led and in sync. */
function unhealthy(checker: MetadataChecker, cluster: SimCluster): string {
  const away = cluster.nodes.filter(({ state }) => state !== 'running').map(({ id, state }) => `broker ${id} ${state}`);
  const fenced = [...checker.image.brokers.values()]
    .filter(({ isFenced }) => isFenced)
    .map(({ id }) => `broker ${id} fenced`);
  const partitions = [...checker.image.topicsByName.values()].flatMap(({ name, partitions: all }) =>
    all
      .filter(({ leader, inSyncReplicas, replicas }) => leader < 0 || inSyncReplicas.length < replicas.length)
      .map((partition) => `\n    ${name}-${partition.partition}: ${describe(cluster, name, partition)}`),
  );
  return [...away, ...fenced, ...partitions].join(', ');
}

/** What the metadata says of a partition, and what its replicas say of themselves. */
function describe(cluster: SimCluster, topic: string, partition: PartitionImage): string {
  const { leader, leaderEpoch, partitionEpoch, inSyncReplicas, eligibleLeaderReplicas, replicas } = partition;
  const own = replicas.map((id) => {
    const replica = cluster.node(id).running?.broker.replicas.get(topic, partition.partition);
    if (replica === undefined) return `${id}: none`;
    const { highWatermark, logEndOffset } = replica;
    const role = replica.isLeader ? 'leads' : 'follows';
    return `${id}: ${role} epoch ${replica.leaderEpoch} ${highWatermark}/${logEndOffset}`;
  });
  return (
    `leader ${leader} epoch ${leaderEpoch}/${partitionEpoch} in sync [${inSyncReplicas}] ` +
    `eligible [${eligibleLeaderReplicas}] of [${replicas}]; ${own.join(', ')}`
  );
}

/** Reads every replica of every partition: all the same, and all that was acknowledged. */
async function checkEnd(cluster: SimCluster, checker: MetadataChecker, history: History): Promise<void> {
  for (const { name, partitions } of TOPICS) {
    for (let partition = 0; partition < partitions; partition++) {
      const image = checker.image.topicsByName.get(name)?.partitions[partition];
      if (image === undefined) {
        history.violation(`${name}-${partition} is gone`);
        continue;
      }
      const contents = new Map<number, Buffer>();
      for (const id of image.replicas) {
        const bytes = readReplica(cluster, id, name, partition);
        await cluster.pass(50);
        contents.set(id, await bytes);
      }
      const ofLeader = contents.get(image.leader) ?? Buffer.alloc(0);
      for (const [id, bytes] of contents) {
        const common = Math.min(bytes.length, ofLeader.length);
        if (!bytes.subarray(0, common).equals(ofLeader.subarray(0, common))) {
          history.violation(`${name}-${partition}: broker ${id} differs from its leader ${image.leader}`);
        }
      }
      history.checkContents(name, partition, recordsOf(ofLeader));
    }
  }
}

async function readReplica(cluster: SimCluster, id: number, topic: string, partition: number): Promise<Buffer> {
  const replica = cluster.node(id).running?.broker.replicas.get(topic, partition);
  if (replica === undefined) return Buffer.alloc(0);
  const parts: Buffer[] = [];
  let offset = replica.logStartOffset;
  while (offset < replica.highWatermark) {
    const result = await replica.read({ offset, maxBytes: 1 << 20, isolation: 'uncommitted', minOneBatch: true });
    const bytes = Buffer.concat(result.chunks as Buffer[]);
    result.release();
    const last = recordsOf(bytes).at(-1);
    if (bytes.length === 0 || last === undefined) break;
    parts.push(bytes);
    offset = last.offset + 1;
  }
  return Buffer.concat(parts);
}

function resultOf(seed: number, history: History, cluster: SimCluster): SeedResult {
  const { violations, counters } = history;
  return { seed, violations, counters, trace: violations.length === 0 ? [] : cluster.trace.last(TRACE_LINES) };
}

/**
 * Brokers that register, fall silent, stop and come back: what the controller decides, and what in-sync proposals it
 * takes.
 */
import { describe, expect, test } from 'vitest';
import { partitionChange, written } from '../metadata/image-fixture.ts';
import { EMPTY_IMAGE, type MetadataImage, type PartitionImage } from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { SeededRandom } from '../std/sim/prng.ts';
import { alterPartitions, type InSyncProposal } from './alter-partition.ts';
import { BrokerSessions } from './broker-sessions.ts';
import { fenceBroker, type Registration, registerBroker, unfenceBroker, unregisterBroker } from './brokers.ts';
import type { Decision } from './decision.ts';
import { decideHeartbeat, type Heartbeat } from './heartbeats.ts';
import { alterReassignments } from './reassignments.ts';
import { electionRules } from './rules-fixture.ts';
import { createTopics } from './topics.ts';

const uuid = (at: number): string => Buffer.alloc(16, at).toString('base64url');
const rules = electionRules({ minInSyncReplicas: 2 });

/** Writes a decision as the controller does: part after part, each on what the one before it led to. */
function settle(image: MetadataImage, decide: (image: MetadataImage) => Decision<unknown>): MetadataImage {
  for (let current = image; ; ) {
    const { records, isPartial } = decide(current);
    current = written(current, records);
    if (isPartial !== true) return current;
  }
}

const epochOf = (image: MetadataImage, id: number): number => image.brokers.get(id)?.epoch ?? -1;
const registrationOf = (brokerId: number, change: Partial<Registration> = {}): Registration => ({
  brokerId,
  incarnationId: uuid(brokerId),
  endpoints: [],
  rack: null,
  directories: [uuid(100 + brokerId)],
  features: [],
  previousEpoch: -1,
  ...change,
});
const register = (image: MetadataImage, registration: Registration, hasSession = false): MetadataImage =>
  settle(image, (current) => registerBroker(current, registration, { rules, hasSession }));
const unfence = (image: MetadataImage, id: number): MetadataImage =>
  settle(image, (current) => unfenceBroker(current, id, epochOf(image, id), rules));
const fence = (image: MetadataImage, id: number): MetadataImage =>
  settle(image, (current) => fenceBroker(current, id, epochOf(image, id), rules));

function cluster(partitionCount = 1, directories: Readonly<Record<number, readonly string[]>> = {}): MetadataImage {
  let image = EMPTY_IMAGE;
  for (const id of [1, 2, 3]) {
    const own = directories[id];
    const registration = registrationOf(id, own === undefined ? {} : { directories: own });
    image = unfence(register(image, registration), id);
  }
  const topic = { name: 't', partitionCount, replicationFactor: 3, assignments: [], configs: new Map() };
  const created = createTopics(image, [topic], {
    defaults: { partitionCount: 1, replicationFactor: 3 },
    rules: { problemOf: () => undefined, isList: () => false, defaultList: () => [] },
    random: new SeededRandom(1),
    validateOnly: false,
  });
  return written(image, created.records);
}

const partitionOf = (image: MetadataImage, index = 0): PartitionImage =>
  image.topicsByName.get('t')?.partitions[index] as PartitionImage;

describe('registration', () => {
  test('an unclean restart leaves the in-sync set and those that may lead without it', () => {
    const image = cluster();
    const leader = partitionOf(image).leader;
    const again = register(image, registrationOf(leader, { incarnationId: uuid(9) }));
    expect(partitionOf(again).inSyncReplicas).not.toContain(leader);
    expect(partitionOf(again).leader).not.toBe(leader);
    expect(again.brokers.get(leader)).toMatchObject({ isFenced: true, epoch: again.nextOffset - 1 });
    // Now below the minimum: who leaves cleanly stays eligible, who crashes does not.
    const second = partitionOf(again).leader;
    const clean = register(
      again,
      registrationOf(second, { incarnationId: uuid(8), previousEpoch: epochOf(again, second) }),
    );
    expect(partitionOf(clean).eligibleLeaderReplicas).toEqual([second]);
    const unclean = register(again, registrationOf(second, { incarnationId: uuid(8) }));
    expect(partitionOf(unclean).eligibleLeaderReplicas).toEqual([]);
  });

  test('a marker of an earlier epoch is no clean shutdown', () => {
    const image = cluster();
    const before = epochOf(image, 1);
    const once = unfence(register(image, registrationOf(1, { incarnationId: uuid(9), previousEpoch: before })), 1);
    const stale = register(once, registrationOf(1, { incarnationId: uuid(8), previousEpoch: before }));
    expect(partitionOf(stale).eligibleLeaderReplicas).not.toContain(1);
  });

  test('a broker whose disk is gone is not even remembered as the last leader', () => {
    let image = cluster();
    for (const id of [1, 2, 3]) image = register(image, registrationOf(id, { incarnationId: uuid(10 + id) }));
    const [last] = partitionOf(image).lastKnownEligible;
    expect(partitionOf(image)).toMatchObject({ leader: -1, inSyncReplicas: [], eligibleLeaderReplicas: [] });
    const id = last as number;
    const kept = unfence(register(image, registrationOf(id, { incarnationId: uuid(20) })), id);
    expect(partitionOf(kept)).toMatchObject({ leader: id, isRecovering: true });
    const wiped = registrationOf(id, { incarnationId: uuid(21), directories: [uuid(99)] });
    const lost = unfence(register(image, wiped), id);
    expect(partitionOf(lost)).toMatchObject({ leader: -1, lastKnownEligible: [] });
  });

  test('an id that is alive elsewhere is refused; a successor on the same folder is not', () => {
    const image = cluster();
    const other = registrationOf(1, { incarnationId: uuid(9), directories: [uuid(77)] });
    const refused = registerBroker(image, other, { rules, hasSession: true });
    expect([refused.records, refused.result.errorCode]).toEqual([[], ErrorCode.DUPLICATE_BROKER_REGISTRATION]);
    const successor = registrationOf(1, { incarnationId: uuid(9) });
    expect(registerBroker(image, successor, { rules, hasSession: true }).result.errorCode).toBe(ErrorCode.NONE);
    const stolen = registrationOf(4, { directories: [uuid(101)] });
    expect(registerBroker(image, stolen, { rules, hasSession: false }).result.errorCode).toBe(
      ErrorCode.INVALID_REGISTRATION,
    );
  });

  test('a registration that was written is not written again', () => {
    const image = cluster();
    expect(registerBroker(image, registrationOf(1), { rules, hasSession: true }).records).toEqual([]);
  });
});

describe('many partitions', () => {
  test('a broker is fenced in parts of bounded size, and counts as fenced only with the last', () => {
    const image = cluster(4000);
    let current = image;
    let parts = 0;
    for (let isPartial = true; isPartial; parts++) {
      const decision = fenceBroker(current, 1, epochOf(image, 1), rules);
      expect(decision.records.length).toBeLessThanOrEqual(1501);
      isPartial = decision.isPartial === true;
      current = written(current, decision.records);
      expect(current.brokers.get(1)?.isFenced).toBe(!isPartial);
    }
    expect(parts).toBe(3);
    for (const { leader, inSyncReplicas } of current.topicsByName.get('t')?.partitions ?? []) {
      expect(leader).not.toBe(1);
      expect(inSyncReplicas).toEqual(expect.not.arrayContaining([1]));
    }
  });
});

describe('in-sync proposals', () => {
  function proposal(image: MetadataImage, change: Partial<InSyncProposal> = {}): InSyncProposal {
    const { leaderEpoch, partitionEpoch } = partitionOf(image);
    const topicId = image.topicsByName.get('t')?.id ?? '';
    const inSyncReplicas = [1, 2].map((brokerId) => ({ brokerId, brokerEpoch: epochOf(image, brokerId) }));
    return { topicId, partition: 0, leaderEpoch, partitionEpoch, inSyncReplicas, isRecovering: false, ...change };
  }
  /** Partition 0 led by broker 1. */
  const led = (): MetadataImage => {
    const image = cluster();
    const { leader } = partitionOf(image);
    if (leader === 1) return image;
    const topicId = image.topicsByName.get('t')?.id ?? '';
    return written(image, [partitionChange({ topicId, leader: 1 })]);
  };
  const propose = (image: MetadataImage, change: Partial<InSyncProposal> = {}, brokerId = 1) =>
    alterPartitions(
      image,
      { brokerId, brokerEpoch: epochOf(image, brokerId), proposals: [proposal(image, change)] },
      rules,
    );

  test('a sound one is taken, and the answer shows the partition as it will be', () => {
    const image = led();
    const { records, result } = propose(image);
    expect(result.answers[0]).toMatchObject({
      errorCode: ErrorCode.NONE,
      state: { leader: 1, inSyncReplicas: [1, 2], partitionEpoch: partitionOf(image).partitionEpoch + 1 },
    });
    expect(partitionOf(written(image, records))).toMatchObject({ inSyncReplicas: [1, 2], leader: 1 });
  });

  test('each that is not sound is refused in its own way, and writes nothing', () => {
    const image = led();
    const { leaderEpoch, partitionEpoch } = partitionOf(image);
    const members = (...ids: number[]) => ids.map((brokerId) => ({ brokerId, brokerEpoch: epochOf(image, brokerId) }));
    const cases: [Partial<InSyncProposal>, number][] = [
      [{ leaderEpoch: leaderEpoch + 1 }, ErrorCode.NOT_CONTROLLER],
      [{ partitionEpoch: partitionEpoch + 1 }, ErrorCode.NOT_CONTROLLER],
      [{ leaderEpoch: leaderEpoch - 1 }, ErrorCode.FENCED_LEADER_EPOCH],
      [{ partitionEpoch: partitionEpoch - 1 }, ErrorCode.INVALID_UPDATE_VERSION],
      [{ inSyncReplicas: members(2, 3) }, ErrorCode.INVALID_REQUEST],
      [{ inSyncReplicas: members(1, 1) }, ErrorCode.INVALID_REQUEST],
      [{ inSyncReplicas: members(1, 7) }, ErrorCode.INVALID_REQUEST],
      [{ isRecovering: true }, ErrorCode.INVALID_REQUEST],
      [{ topicId: uuid(200) }, ErrorCode.UNKNOWN_TOPIC_ID],
      [{ partition: 5 }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      [
        {
          inSyncReplicas: [
            { brokerId: 1, brokerEpoch: epochOf(image, 1) },
            { brokerId: 2, brokerEpoch: 0 },
          ],
        },
        ErrorCode.INELIGIBLE_REPLICA,
      ],
    ];
    for (const [change, errorCode] of cases) {
      const { records, result } = propose(image, change);
      expect([records.length, result.answers[0]?.errorCode], JSON.stringify(change)).toEqual([0, errorCode]);
    }
    expect(propose(image, {}, 2).result.answers[0]?.errorCode).toBe(ErrorCode.INVALID_REQUEST);
    const stale = { brokerId: 1, brokerEpoch: epochOf(image, 1) - 1, proposals: [proposal(image)] };
    expect(alterPartitions(image, stale, rules).result.errorCode).toBe(ErrorCode.STALE_BROKER_EPOCH);
  });

  test('while the store should be spared, only a set that is too small to be written to grows', () => {
    const members = (image: MetadataImage, ...ids: number[]) => ({
      inSyncReplicas: ids.map((brokerId) => ({ brokerId, brokerEpoch: epochOf(image, brokerId) })),
    });
    const spare = (image: MetadataImage, ...ids: number[]) =>
      alterPartitions(
        image,
        { brokerId: 1, brokerEpoch: epochOf(image, 1), proposals: [proposal(image, members(image, ...ids))] },
        rules,
        false,
      );
    const two = written(led(), spare(led(), 1, 2).records);
    expect(partitionOf(two).inSyncReplicas).toEqual([1, 2]);
    expect(spare(two, 1, 2, 3)).toMatchObject({
      records: [],
      result: { answers: [{ errorCode: ErrorCode.OPERATION_NOT_ATTEMPTED }] },
    });
    expect(propose(two, members(two, 1, 2, 3)).records).toHaveLength(1);
    // One that goes for one that comes is no growth.
    expect(spare(two, 1, 3).records).toHaveLength(1);
    const one = written(two, spare(two, 1).records);
    expect(spare(one, 1, 2).records).toHaveLength(1);
  });

  test('a broker that is fenced, or about to be, is not taken in', () => {
    const image = led();
    expect(propose(fence(image, 2)).result.answers[0]?.errorCode).not.toBe(ErrorCode.NONE);
    const dying = electionRules({ minInSyncReplicas: 2, dying: [2] });
    const request = { brokerId: 1, brokerEpoch: epochOf(image, 1), proposals: [proposal(image)] };
    expect(alterPartitions(image, request, dying).result.answers[0]?.errorCode).toBe(ErrorCode.INELIGIBLE_REPLICA);
  });

  test('one that ends a reassignment in which the leader leaves tells it to look at the metadata', () => {
    let image = unfence(register(led(), registrationOf(4)), 4);
    const moved = alterReassignments(image, [{ topic: 't', partition: 0, replicas: [4, 2, 3] }], {
      rules,
      allowsReplicationFactorChange: true,
    });
    image = written(image, moved.records);
    expect(partitionOf(image)).toMatchObject({ addingReplicas: [4], removingReplicas: [1], leader: 1 });
    const inSyncReplicas = [1, 2, 3, 4].map((brokerId) => ({ brokerId, brokerEpoch: epochOf(image, brokerId) }));
    const { records, result } = propose(image, { inSyncReplicas });
    expect(result.answers[0]?.errorCode).toBe(ErrorCode.NEW_LEADER_ELECTED);
    expect(partitionOf(written(image, records))).toMatchObject({
      replicas: [4, 2, 3],
      removingReplicas: [],
      leader: 4,
    });
  });
});

/** What a heartbeat of the broker comes to; `full` are the folders that others said have no room. */
function beatOf(
  image: MetadataImage,
  id: number,
  change: Partial<Heartbeat> = {},
  { lowestOffset = Infinity, full = [] }: { readonly lowestOffset?: number; readonly full?: readonly string[] } = {},
) {
  const heartbeat: Heartbeat = {
    brokerId: id,
    brokerEpoch: epochOf(image, id),
    metadataOffset: image.nextOffset,
    wantsFence: false,
    wantsShutdown: false,
    failedDirectories: [],
    fullDirectories: [],
    ...change,
  };
  const known = electionRules({ minInSyncReplicas: 2, fullDirectories: [...full, ...heartbeat.fullDirectories] });
  return decideHeartbeat(image, heartbeat, { rules: known, lowestOffset, shutdownOffset: (end) => end });
}

describe('heartbeats', () => {
  test('a fenced broker serves once it has read its own registration', () => {
    const image = register(cluster(), registrationOf(1, { incarnationId: uuid(9) }));
    expect(beatOf(image, 1, { metadataOffset: epochOf(image, 1) })).toMatchObject({
      records: [],
      result: { isFenced: true },
    });
    const { records, result } = beatOf(image, 1);
    expect(result.isFenced).toBe(false);
    expect(written(image, records).brokers.get(1)?.isFenced).toBe(false);
  });

  test('one of another incarnation, or of nobody, is told so', () => {
    const image = cluster();
    expect(beatOf(image, 1, { brokerEpoch: 99 }).result.errorCode).toBe(ErrorCode.STALE_BROKER_EPOCH);
    expect(beatOf(image, 9).result.errorCode).toBe(ErrorCode.BROKER_ID_NOT_REGISTERED);
  });

  test('who wants to stop gives its leaders away, and may stop once everybody else knows', () => {
    const image = cluster(6);
    const begun = beatOf(image, 1, { wantsShutdown: true });
    expect(begun.result.mayStop).toBe(false);
    const moved = written(image, begun.records);
    expect(moved.brokers.get(1)?.isShuttingDown).toBe(true);
    for (const { leader } of moved.topicsByName.get('t')?.partitions ?? []) expect(leader).not.toBe(1);
    expect(beatOf(moved, 1, { wantsShutdown: true }, { lowestOffset: moved.nextOffset - 1 }).result.mayStop).toBe(
      false,
    );
    const stopped = beatOf(moved, 1, { wantsShutdown: true }, { lowestOffset: moved.nextOffset });
    expect(stopped.result.mayStop).toBe(true);
    expect(written(moved, stopped.records).brokers.get(1)?.isFenced).toBe(true);
  });
});

describe('log folders of a living broker', () => {
  const [A, B] = [uuid(101), uuid(111)];
  const beat = (image: MetadataImage, change: Partial<Heartbeat>, full: readonly string[] = []) =>
    beatOf(image, 1, change, { full });
  const partitionsOf = (image: MetadataImage): readonly PartitionImage[] =>
    image.topicsByName.get('t')?.partitions ?? [];
  const directoryOf = ({ directories, replicas }: PartitionImage, id: number): string | undefined =>
    directories[replicas.indexOf(id)];
  const six = (): MetadataImage => cluster(6, { 1: [A, B] });

  test('partitions are spread over them', () => {
    const count = (directory: string): number =>
      partitionsOf(six()).filter((partition) => directoryOf(partition, 1) === directory).length;
    expect([count(A), count(B)]).toEqual([3, 3]);
  });

  test('one that fails takes its partitions with it, and no others', () => {
    const image = six();
    const after = written(image, beat(image, { failedDirectories: [A] }).records);
    expect(after.brokers.get(1)?.directories).toEqual([B]);
    for (const partition of partitionsOf(after)) {
      expect(partition.inSyncReplicas.includes(1)).toBe(directoryOf(partition, 1) === B);
      expect(partition.leader).not.toBe(directoryOf(partition, 1) === A ? 1 : -1);
    }
    // It is told again with every heartbeat, and nothing more comes of it.
    expect(beat(after, { failedDirectories: [A] }).records).toEqual([]);
    // Nor does what is in it lead when everybody else is gone.
    let alone = after;
    for (const id of [2, 3]) alone = fence(alone, id);
    for (const partition of partitionsOf(alone)) {
      expect(partition.leader).toBe(directoryOf(partition, 1) === A ? -1 : 1);
    }
  });

  test('when all fail the broker ends by itself', () => {
    const image = six();
    expect(beat(image, { failedDirectories: [A, B] }).records).toEqual([]);
  });

  test('the disk is lost with the folder, and not with another', () => {
    const image = six();
    const again = register(image, registrationOf(1, { incarnationId: uuid(9), directories: [B] }));
    expect(partitionsOf(again).map((partition) => directoryOf(partition, 1))).toEqual(Array(6).fill(B));
    let crashed = six();
    for (const id of [2, 3]) crashed = fence(crashed, id);
    crashed = register(crashed, registrationOf(1, { incarnationId: uuid(9), directories: [B] }));
    const remembered = partitionsOf(crashed).map(({ lastKnownEligible }) => lastKnownEligible);
    const wasIn = partitionsOf(image).map((partition) => directoryOf(partition, 1));
    expect(remembered).toEqual(wasIn.map((directory) => (directory === B ? [1] : [])));
  });

  test('one that is full gives away what others can lead, and takes no place in an in-sync set', () => {
    const image = six();
    const full = { fullDirectories: [A, B] };
    const after = written(image, beat(image, full).records);
    for (const { leader, inSyncReplicas } of partitionsOf(after)) {
      expect(leader).not.toBe(1);
      expect(inSyncReplicas).not.toContain(1);
    }
    expect(beat(after, full).records).toEqual([]);
    const [partition] = partitionsOf(after) as [PartitionImage];
    const proposal: InSyncProposal = {
      topicId: after.topicsByName.get('t')?.id ?? '',
      partition: 0,
      leaderEpoch: partition.leaderEpoch,
      partitionEpoch: partition.partitionEpoch,
      inSyncReplicas: [1, 2, 3].map((brokerId) => ({ brokerId, brokerEpoch: epochOf(after, brokerId) })),
      isRecovering: false,
    };
    const request = {
      brokerId: partition.leader,
      brokerEpoch: epochOf(after, partition.leader),
      proposals: [proposal],
    };
    const answer = (fullDirectories: string[]) =>
      alterPartitions(after, request, electionRules({ minInSyncReplicas: 2, fullDirectories }), true).result.answers[0]
        ?.errorCode;
    expect(answer([A, B])).toBe(ErrorCode.INELIGIBLE_REPLICA);
    expect(answer([])).toBe(ErrorCode.NONE);
  });

  test('one that is full leads on where nobody else has room', () => {
    const image = six();
    expect(beat(image, { fullDirectories: [A, B] }, [uuid(102), uuid(103)]).records).toEqual([]);
  });
});

test('a broker that is unregistered leaves every set, and its id is free', () => {
  const image = fence(cluster(), 1);
  const gone = settle(image, (current) => unregisterBroker(current, 1, rules));
  expect(gone.brokers.has(1)).toBe(false);
  expect([...partitionOf(gone).inSyncReplicas, ...partitionOf(gone).eligibleLeaderReplicas]).not.toContain(1);
  expect(unregisterBroker(gone, 1, rules).result.errorCode).toBe(ErrorCode.BROKER_ID_NOT_REGISTERED);
});

describe('reassignments', () => {
  const alter = (image: MetadataImage, replicas: readonly number[] | null, allowsReplicationFactorChange = true) =>
    alterReassignments(image, [{ topic: 't', partition: 0, replicas }], { rules, allowsReplicationFactorChange });
  const four = (): MetadataImage => unfence(register(cluster(), registrationOf(4)), 4);

  test('one is started, changed and cancelled', () => {
    const image = four();
    const { replicas } = partitionOf(image);
    const target = [4, ...replicas.slice(0, 2)];
    const moving = written(image, alter(image, target).records);
    expect(partitionOf(moving)).toMatchObject({ addingReplicas: [4], removingReplicas: [replicas[2]] });
    const back = written(moving, alter(moving, null).records);
    expect([...partitionOf(back).replicas].sort()).toEqual([1, 2, 3]);
    expect(partitionOf(back)).toMatchObject({ addingReplicas: [], removingReplicas: [] });
  });

  test('what cannot be is refused with its reason', () => {
    const image = four();
    const codes = [
      alter(image, null),
      alter(image, []),
      alter(image, [1, 1, 2]),
      alter(image, [1, 2, 9]),
      alter(image, [1, 2], false),
    ].map(({ records, result }) => [records.length, result[0]?.errorCode]);
    expect(codes).toEqual([
      [0, ErrorCode.NO_REASSIGNMENT_IN_PROGRESS],
      [0, ErrorCode.INVALID_REPLICA_ASSIGNMENT],
      [0, ErrorCode.INVALID_REPLICA_ASSIGNMENT],
      [0, ErrorCode.INVALID_REPLICA_ASSIGNMENT],
      [0, ErrorCode.INVALID_REPLICATION_FACTOR],
    ]);
  });
});

test('sessions end by silence on the own clock; a new controller gives all but its predecessor a whole one', () => {
  const image = cluster();
  const sessions = new BrokerSessions();
  sessions.restart(image, 3, 1000, 6000);
  expect(sessions.expired(image, 3999, 6000)).toEqual([]);
  expect(sessions.expired(image, 4000, 6000).map(({ brokerId }) => brokerId)).toEqual([3]);
  sessions.touch(3, epochOf(image, 3), 1, 1000);
  expect(sessions.expired(image, 6999, 6000)).toEqual([]);
  sessions.touch(2, epochOf(image, 2), 7, 5000);
  expect(sessions.expired(image, 7000, 6000).map(({ brokerId }) => brokerId)).toEqual([1, 3]);
  expect(sessions.lowestOffset(image, 2)).toBe(-1);
  sessions.touch(1, epochOf(image, 1), 9, 8000);
  sessions.touch(3, epochOf(image, 3), 8, 8000);
  expect(sessions.lowestOffset(image, 2)).toBe(8);
  expect([sessions.shutdownOffset(1, 12), sessions.shutdownOffset(1, 20)]).toEqual([12, 12]);
});

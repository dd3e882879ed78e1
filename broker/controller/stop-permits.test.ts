import { describe, expect, test } from 'vitest';
import { partitionChange, written } from '../metadata/image-fixture.ts';
import { EMPTY_IMAGE, type MetadataImage, type MetadataRecord } from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { fenceBroker, registerBroker, unfenceBroker } from './brokers.ts';
import { electionRules } from './rules-fixture.ts';
import { endedStopPermits, releaseStopPermit, requestStopPermit, stopImpact } from './stop-permits.ts';

const uuid = (at: number): string => Buffer.alloc(16, at).toString('base64url');
const rules = electionRules({ minInSyncReplicas: 2 });

const epochOf = (image: MetadataImage, brokerId: number): number => image.brokers.get(brokerId)?.epoch ?? -1;

/** Registers a new incarnation that shut down cleanly before, and lets it serve. */
function restart(image: MetadataImage, brokerId: number, incarnation: number): MetadataImage {
  const registration = {
    brokerId,
    incarnationId: uuid(incarnation),
    endpoints: [],
    rack: null,
    directories: [uuid(100 + brokerId)],
    features: [],
    previousEpoch: epochOf(image, brokerId),
  };
  const registered = written(image, registerBroker(image, registration, { rules, hasSession: false }).records);
  return written(registered, unfenceBroker(registered, brokerId, epochOf(registered, brokerId), rules).records);
}

function partition(topicId: string, partitionId: number, replicas: number[], isr: number[] = replicas): MetadataRecord {
  return {
    kind: 'Partition',
    partitionId,
    topicId,
    replicas,
    isr,
    removingReplicas: [],
    addingReplicas: [],
    leader: isr[0] ?? -1,
    leaderRecoveryState: 0,
    leaderEpoch: 0,
    partitionEpoch: 0,
    directories: replicas.map((id) => uuid(100 + id)),
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
  };
}

/** Four brokers; a topic of three replicas, and one of two, which no restart can spare. */
function cluster(isr: number[] = [1, 2, 3]): MetadataImage {
  let image = EMPTY_IMAGE;
  for (const id of [1, 2, 3, 4]) image = restart(image, id, id);
  return written(image, [
    { kind: 'Topic', name: 'three', topicId: uuid(50) },
    partition(uuid(50), 0, [1, 2, 3], isr),
    { kind: 'Topic', name: 'two', topicId: uuid(51) },
    partition(uuid(51), 0, [1, 4]),
  ]);
}

const ask = (image: MetadataImage, brokerId: number, brokerEpoch = epochOf(image, brokerId)) =>
  requestStopPermit(image, { brokerId, brokerEpoch, podUid: 'pod' }, rules);

describe('a permit', () => {
  test('is granted where enough stay in sync, and what no restart can spare does not hold it up', () => {
    const image = cluster();
    const { records, result } = ask(image, 1);
    expect(result).toMatchObject({ isGranted: true, blockingCount: 0 });
    expect(written(image, records).stopPermits.get(1)).toEqual({ brokerEpoch: epochOf(image, 1), podUid: 'pod' });
    expect(stopImpact(image, 1, rules)).toMatchObject({
      leaders: 2,
      replicas: 2,
      blockingCount: 0,
      unsparableCount: 1,
      partitions: [{ topic: 'two', partition: 0, isUnsparable: true }],
    });
  });

  test('is refused where too few would stay, and the partition is named', () => {
    const image = cluster([1, 2]);
    const { records, result } = ask(image, 1);
    expect(records).toEqual([]);
    expect(result).toMatchObject({
      isGranted: false,
      blockingCount: 1,
      blocking: [{ topic: 'three', partition: 0, inSyncReplicas: 2, minInSyncReplicas: 2 }],
    });
    expect(result.errorMessage).toContain('three-0');
    expect(ask(image, 3).result.isGranted).toBe(true);
  });

  test('counts its holder as gone for everybody else, however alive it is', () => {
    const image = written(cluster(), ask(cluster(), 1).records);
    expect(ask(image, 2).result).toMatchObject({ isGranted: false, blockingCount: 1 });
    expect(ask(image, 4).result.isGranted).toBe(true);
  });

  test('is granted again to its holder, and to no other incarnation', () => {
    const image = written(cluster(), ask(cluster(), 1).records);
    expect(ask(image, 1)).toMatchObject({ records: [], result: { isGranted: true } });
    const later = restart(image, 1, 9);
    expect(ask(later, 1, epochOf(image, 1)).result.errorCode).toBe(ErrorCode.STALE_BROKER_EPOCH);
    // Back, but not in sync yet: what it held before it restarted says nothing of now.
    const behind = written(later, [{ kind: 'StopPermit', brokerId: 2, brokerEpoch: 0, podUid: null, isGranted: true }]);
    expect(ask(behind, 1).records.length).toBe(1);
  });

  test('belongs to a pod: another one neither has it nor gives it back', () => {
    const image = written(cluster(), ask(cluster(), 1).records);
    const request = { brokerId: 1, brokerEpoch: epochOf(image, 1) };
    const of = (podUid: string | null) => [
      requestStopPermit(image, { ...request, podUid }, rules),
      releaseStopPermit(image, { ...request, podUid }),
    ];
    const refused = { records: [], result: { isGranted: false, errorCode: ErrorCode.INVALID_REQUEST } };
    expect(of('other')).toMatchObject([refused, refused]);
    for (const podUid of ['pod', null]) {
      expect(of(podUid)).toMatchObject([{ result: { isGranted: true } }, { records: [{ isGranted: false }] }]);
    }
  });

  test('ends when a later incarnation is in sync wherever it has a replica, and not before', () => {
    const image = written(cluster(), ask(cluster(), 1).records);
    expect(endedStopPermits(image).result).toBe(0);
    const fenced = written(image, fenceBroker(image, 1, epochOf(image, 1), rules).records);
    expect(endedStopPermits(fenced).result).toBe(0);
    const back = restart(fenced, 1, 9);
    expect(endedStopPermits(back).result).toBe(0);
    const inSync = written(back, [
      partitionChange({ topicId: uuid(50), isr: [2, 3, 1] }),
      partitionChange({ topicId: uuid(51), isr: [4, 1] }),
    ]);
    const ended = endedStopPermits(inSync);
    expect(ended.result).toBe(1);
    expect(written(inSync, ended.records).stopPermits.size).toBe(0);
  });

  test('is given back by its own incarnation only', () => {
    const image = written(cluster(), ask(cluster(), 1).records);
    const release = (brokerEpoch: number) => releaseStopPermit(image, { brokerId: 1, brokerEpoch, podUid: null });
    expect(release(epochOf(image, 1) + 1).result.errorCode).toBe(ErrorCode.STALE_BROKER_EPOCH);
    expect(written(image, release(epochOf(image, 1)).records).stopPermits.size).toBe(0);
  });
});

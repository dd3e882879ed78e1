/** What a change of min.insync.replicas means to who may lead, and that there is one for the whole cluster. */
import { describe, expect, test } from 'vitest';
import { written } from '../metadata/image-fixture.ts';
import {
  ConfigResource,
  configsOf,
  EMPTY_IMAGE,
  type MetadataImage,
  type MetadataRecord,
  type PartitionImage,
} from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { fenceBroker, unfenceBroker } from './brokers.ts';
import { settleClusterMinimum } from './cluster-minimum.ts';
import { alterConfigs, ConfigOperation, type ResourceChange } from './configs.ts';
import type { ElectionRules } from './election-rules.ts';
import { electionRules } from './rules-fixture.ts';

const NAME = 'min.insync.replicas';
const uuid = (at: number): string => Buffer.alloc(16, at).toString('base64url');
const rules: ElectionRules = {
  ...electionRules(),
  minInSyncReplicas: (image, { name }) =>
    Number(
      configsOf(image, ConfigResource.topic, name).get(NAME) ?? configsOf(image, ConfigResource.broker, '').get(NAME),
    ),
};
const config = (resourceType: number, resourceName: string, value: string | null): MetadataRecord => ({
  kind: 'Config',
  resourceType,
  resourceName,
  name: NAME,
  value,
});

function registered(brokerId: number): MetadataRecord {
  return {
    kind: 'RegisterBroker',
    brokerId,
    isMigratingZkBroker: false,
    incarnationId: uuid(brokerId),
    brokerEpoch: -1,
    endPoints: [],
    features: [],
    rack: null,
    fenced: false,
    inControlledShutdown: false,
    logDirs: [uuid(10 + brokerId)],
    cordonedLogDirs: null,
  };
}

function topic(name: string, topicId: string): MetadataRecord[] {
  return [
    { kind: 'Topic', name, topicId },
    {
      kind: 'Partition',
      partitionId: 0,
      topicId,
      replicas: [1, 2],
      isr: [1, 2],
      removingReplicas: [],
      addingReplicas: [],
      leader: 1,
      leaderRecoveryState: 0,
      leaderEpoch: 0,
      partitionEpoch: 0,
      directories: [uuid(11), uuid(12)],
      eligibleLeaderReplicas: [],
      lastKnownElr: [],
    },
  ];
}

const partitionOf = (image: MetadataImage, name = 't'): PartitionImage =>
  image.topicsByName.get(name)?.partitions[0] as PartitionImage;
const fence = (image: MetadataImage, id: number): MetadataImage =>
  written(image, fenceBroker(image, id, image.brokers.get(id)?.epoch ?? -1, rules).records);
const unfence = (image: MetadataImage, id: number): MetadataImage =>
  written(image, unfenceBroker(image, id, image.brokers.get(id)?.epoch ?? -1, rules).records);

/** Two topics under a minimum of two, and broker 2 gone from both: it is eligible, for 1 commits nothing alone. */
function below(): MetadataImage {
  const image = written(EMPTY_IMAGE, [
    registered(1),
    registered(2),
    config(ConfigResource.broker, '', '2'),
    ...topic('t', uuid(20)),
    ...topic('u', uuid(21)),
  ]);
  const gone = fence(image, 2);
  expect(partitionOf(gone)).toMatchObject({ leader: 1, inSyncReplicas: [1], eligibleLeaderReplicas: [2] });
  return gone;
}

function alter(image: MetadataImage, change: Partial<ResourceChange>, value: string | null, operation = 0) {
  return alterConfigs(
    image,
    [
      {
        resourceType: ConfigResource.topic,
        resourceName: 't',
        replacesAll: false,
        changes: [{ name: NAME, operation, value }],
        ...change,
      },
    ],
    { rules: { problemOf: () => undefined, isList: () => false, defaultList: () => [] }, validateOnly: false },
  );
}
const ofCluster = { resourceType: ConfigResource.broker, resourceName: '' };

describe('a changed minimum', () => {
  test('takes who lacks what the leader commits alone from then on out of the eligible', () => {
    let image = written(below(), alter(below(), {}, '1').records);
    expect(partitionOf(image)).toMatchObject({ leader: 1, inSyncReplicas: [1], eligibleLeaderReplicas: [] });
    // 1 commits alone. 2 is back and has not caught up when 1 goes: it must not lead.
    image = fence(unfence(image, 2), 1);
    expect(partitionOf(image)).toMatchObject({ leader: -1, eligibleLeaderReplicas: [1] });
  });

  const own = (value: string): MetadataImage => written(below(), [config(ConfigResource.topic, 't', value)]);
  for (const [how, image, change, value, operation] of [
    ['set on a topic', below(), {}, '1', ConfigOperation.set],
    ['deleted from a topic', own('2'), {}, null, ConfigOperation.delete],
    ['left out where everything is replaced', own('2'), { replacesAll: true, changes: [] }, null, 0],
    ['replaced', own('2'), { replacesAll: true }, '1', ConfigOperation.set],
  ] as const) {
    test(`${how} clears the eligible of that topic, in one change`, () => {
      const { records, result } = alter(image, change, value, operation);
      expect(result).toMatchObject([{ errorCode: ErrorCode.NONE }]);
      expect(records.map(({ kind }) => kind)).toEqual(['Config', 'ClearElr']);
      const next = written(image, records);
      expect([partitionOf(next).eligibleLeaderReplicas, partitionOf(next, 'u').eligibleLeaderReplicas]).toEqual([
        [],
        [2],
      ]);
      expect(partitionOf(next).partitionEpoch).toBe(partitionOf(image).partitionEpoch + 1);
      expect(partitionOf(next, 'u')).toBe(partitionOf(image, 'u'));
    });
  }

  test('of the cluster clears those of every topic', () => {
    const image = below();
    const next = written(image, alter(image, ofCluster, '1').records);
    expect([partitionOf(next), partitionOf(next, 'u')]).toMatchObject([
      { eligibleLeaderReplicas: [] },
      { eligibleLeaderReplicas: [] },
    ]);
  });

  test('leaves the eligible where nobody is in sync: one of them alone may still lead', () => {
    const leaderless = fence(below(), 1);
    expect(partitionOf(leaderless)).toMatchObject({ leader: -1, eligibleLeaderReplicas: [2, 1] });
    const lowered = written(leaderless, alter(leaderless, {}, '1').records);
    expect(partitionOf(unfence(lowered, 2))).toMatchObject({
      leader: 2,
      inSyncReplicas: [2],
      eligibleLeaderReplicas: [],
      isRecovering: false,
    });
  });

  test('that is none, and other configs, clear nothing', () => {
    const image = written(below(), [config(ConfigResource.topic, 't', '2')]);
    expect(alter(image, {}, '2').records).toEqual([]);
    const other = { changes: [{ name: 'retention.ms', operation: 0, value: '1' }] };
    expect(alter(image, other, null).records.map(({ kind }) => kind)).toEqual(['Config']);
  });
});

describe('the minimum of the cluster', () => {
  test('cannot be taken away, and no broker has one of its own', () => {
    const image = below();
    for (const [change, operation] of [
      [ofCluster, ConfigOperation.delete],
      [{ ...ofCluster, replacesAll: true, changes: [] }, ConfigOperation.set],
      [{ resourceType: ConfigResource.broker, resourceName: '1' }, ConfigOperation.set],
      [{ resourceType: ConfigResource.broker, resourceName: '1' }, ConfigOperation.delete],
    ] as const) {
      const { records, result } = alter(image, change, operation === ConfigOperation.delete ? null : '1', operation);
      expect([records, result[0]?.errorCode]).toEqual([[], ErrorCode.INVALID_CONFIG]);
    }
    const other = { ...ofCluster, changes: [{ name: 'retention.ms', operation: 0, value: '1' }] };
    expect(alter(image, other, null).result[0]?.errorCode).toBe(ErrorCode.NONE);
  });

  test('is written by the first controller, and by nobody after it', () => {
    const first = settleClusterMinimum(EMPTY_IMAGE, '2');
    expect(first).toEqual([config(ConfigResource.broker, '', '2')]);
    expect(settleClusterMinimum(written(EMPTY_IMAGE, first), '3')).toEqual([]);
  });

  test('takes the place of what brokers had, and nobody stays eligible by that', () => {
    const image = written(below(), [config(ConfigResource.broker, '', null), config(ConfigResource.broker, '1', '1')]);
    const next = written(image, settleClusterMinimum(image, '2'));
    expect([...next.configs]).toEqual([['4/', new Map([[NAME, '2']])]]);
    expect(partitionOf(next).eligibleLeaderReplicas).toEqual([]);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryOf, arbitraryRecord, RECORD_KINDS } from './arbitrary-record.ts';
import { partitionChange } from './image-fixture.ts';
import {
  configsOf,
  decodeBatch,
  decodeSnapshot,
  EMPTY_IMAGE,
  encodeBatch,
  encodeSnapshot,
  ImageBuilder,
  METADATA_VERSION,
  type MetadataDelta,
  type MetadataImage,
  type MetadataRecord,
  type RecordOf,
} from './mod.ts';

const ID = Buffer.alloc(16, 1).toString('base64url');
const OTHER = Buffer.alloc(16, 2).toString('base64url');

function write(image: MetadataImage, ...records: MetadataRecord[]): { image: MetadataImage; delta: MetadataDelta } {
  const builder = new ImageBuilder(image);
  builder.apply({ controllerEpoch: 3, records }, image.nextOffset);
  return builder.finish();
}

const broker = (more: Partial<RecordOf<'RegisterBroker'>> = {}): MetadataRecord => ({
  kind: 'RegisterBroker',
  brokerId: 1,
  isMigratingZkBroker: false,
  incarnationId: ID,
  brokerEpoch: -1,
  endPoints: [{ name: 'PLAINTEXT', host: 'h', port: 9092, securityProtocol: 0 }],
  features: [],
  rack: null,
  fenced: true,
  inControlledShutdown: false,
  logDirs: [ID],
  cordonedLogDirs: null,
  ...more,
});
const partition = (partitionId: number, topicId = ID): MetadataRecord => ({
  kind: 'Partition',
  partitionId,
  topicId,
  replicas: [1, 2],
  isr: [1, 2],
  removingReplicas: [],
  addingReplicas: [],
  leader: 1,
  leaderRecoveryState: 0,
  leaderEpoch: 4,
  partitionEpoch: 7,
  directories: [ID, ID],
  eligibleLeaderReplicas: null,
  lastKnownElr: null,
});
const change = (more: Partial<RecordOf<'PartitionChange'>>): MetadataRecord =>
  partitionChange({ topicId: ID, ...more });
const topic: MetadataRecord = { kind: 'Topic', name: 't', topicId: ID };
const config = (name: string, value: string | null): MetadataRecord => ({
  kind: 'Config',
  resourceType: 2,
  resourceName: 't',
  name,
  value,
});

describe('batches as bytes', () => {
  for (const kind of RECORD_KINDS) {
    test(`a ${kind} record comes back as it was`, () => {
      fc.assert(
        fc.property(fc.array(arbitraryOf(kind)), fc.nat(), (records, controllerEpoch) => {
          expect(decodeBatch(encodeBatch({ controllerEpoch, records }))).toEqual({ controllerEpoch, records });
        }),
        { numRuns: 50 },
      );
    });
  }

  test('a frame of no version and a cut batch are malformed', () => {
    const bytes = encodeBatch({ controllerEpoch: 1, records: [topic] });
    const frame = Buffer.from(bytes);
    frame[0] = 0;
    for (const bad of [frame, bytes.subarray(0, -1), Buffer.alloc(0)]) {
      expect(() => decodeBatch(bad)).toThrow(expect.objectContaining({ code: 'protocol.malformed' }));
    }
  });

  test('what only a later release writes is told as that, with what this one knows', () => {
    const bytes = encodeBatch({ controllerEpoch: 1, records: [topic] });
    const [frame, unknown, newer] = [Buffer.from(bytes), Buffer.from(bytes), Buffer.from(bytes)];
    frame[0] = 9;
    unknown[6] = 99;
    newer[7] = 1;
    const { feature: name, maxLevel } = METADATA_VERSION;
    const level: MetadataRecord = { kind: 'FeatureLevel', name, featureLevel: maxLevel + 1 };
    const raised = encodeBatch({ controllerEpoch: 1, records: [level] });
    for (const batch of [frame, unknown, newer, raised]) {
      expect(() => decodeBatch(batch)).toThrow(
        expect.objectContaining({
          code: 'store.tooNew',
          message: expect.stringContaining(`knows ${name} up to ${maxLevel}`),
        }),
      );
    }
    const current = encodeBatch({ controllerEpoch: 1, records: [{ ...level, featureLevel: maxLevel }] });
    expect(decodeBatch(current).records).toHaveLength(1);
  });
});

describe('what each record does', () => {
  test('a registration that names no epoch gets the offset of its batch', () => {
    const image = write(write(EMPTY_IMAGE).image, broker()).image;
    expect(image).toMatchObject({ nextOffset: 2, controllerEpoch: 3 });
    expect(image.brokers.get(1)).toMatchObject({ epoch: 1, isFenced: true, directories: [ID] });
    expect(write(EMPTY_IMAGE, broker({ brokerEpoch: 40 })).image.brokers.get(1)?.epoch).toBe(40);
  });

  test('a registration change counts for the incarnation it names only, and leaves alone what it does not say', () => {
    const image = write(EMPTY_IMAGE, broker({ brokerEpoch: 5 })).image;
    const changed = (brokerEpoch: number, fenced: number, inControlledShutdown: number): MetadataImage =>
      write(image, {
        kind: 'BrokerRegistrationChange',
        brokerId: 1,
        brokerEpoch,
        fenced,
        inControlledShutdown,
        logDirs: [],
        cordonedLogDirs: null,
      }).image;
    expect(changed(4, -1, 0).brokers).toBe(image.brokers);
    expect(changed(5, -1, 0).brokers.get(1)).toMatchObject({ isFenced: false, isShuttingDown: false });
    expect(changed(5, 0, 1).brokers.get(1)).toMatchObject({ isFenced: true, isShuttingDown: true, directories: [ID] });
  });

  test('a broker that unregisters is gone, and the delta says that brokers changed', () => {
    const image = write(EMPTY_IMAGE, broker()).image;
    const { image: next, delta } = write(image, { kind: 'UnregisterBroker', brokerId: 1, brokerEpoch: 0 });
    expect([next.brokers.size, delta.hasBrokerChanges]).toEqual([0, true]);
    expect(write(image, topic).delta.hasBrokerChanges).toBe(false);
  });

  test('partitions of one batch join their topic, and the older image does not see them', () => {
    const before = write(EMPTY_IMAGE, topic, partition(0)).image;
    const { image, delta } = write(before, partition(1), change({ leader: 2 }));
    expect(image.topicsByName.get('t')?.partitions.map(({ leader }) => leader)).toEqual([2, 1]);
    expect(image.topicsById.get(ID)).toBe(image.topicsByName.get('t'));
    expect(before.topicsByName.get('t')?.partitions.map(({ leader }) => leader)).toEqual([1]);
    expect([...delta.changedTopics]).toEqual(['t']);
  });

  test('a change of leader raises the leader epoch, any change the partition epoch', () => {
    const before = write(EMPTY_IMAGE, topic, partition(0)).image;
    const changed = (record: MetadataRecord) => write(before, record).image.topicsById.get(ID)?.partitions[0];
    expect(changed(change({ isr: [1] }))).toMatchObject({ leader: 1, leaderEpoch: 4, partitionEpoch: 8 });
    expect(changed(change({ leader: 2 }))).toMatchObject({ leader: 2, leaderEpoch: 5, partitionEpoch: 8 });
    expect(changed(change({ leader: 1 }))).toMatchObject({ leader: 1, leaderEpoch: 5, partitionEpoch: 8 });
    expect(changed(change({ leader: -1, eligibleLeaderReplicas: [2], lastKnownElr: [1] }))).toMatchObject({
      leader: -1,
      eligibleLeaderReplicas: [2],
      lastKnownEligible: [1],
    });
    expect(changed(change({ leaderRecoveryState: 1 }))?.isRecovering).toBe(true);
  });

  test('records about a topic or partition that is not there change nothing', () => {
    const before = write(EMPTY_IMAGE, topic, partition(0)).image;
    const gone: MetadataRecord = { kind: 'RemoveTopic', topicId: OTHER };
    const { image, delta } = write(before, partition(0, OTHER), change({ partitionId: 9 }), gone);
    expect(image).toEqual({ ...before, nextOffset: 2 });
    expect([delta.changedTopics.size, delta.removedTopics.length]).toEqual([0, 0]);
  });

  test('records of a transaction take effect together at its end, or never', () => {
    const begin: MetadataRecord = { kind: 'BeginTransaction', name: null };
    const open = write(write(EMPTY_IMAGE, begin, topic).image, partition(0)).image;
    expect(open.topicsById.size).toBe(0);
    const ended = write(open, partition(1), { kind: 'EndTransaction' });
    expect(ended.image.topicsById.get(ID)?.partitions.length).toBe(2);
    expect([...ended.delta.changedTopics]).toEqual(['t']);
    const claim: MetadataRecord = {
      kind: 'RegisterController',
      controllerId: 2,
      incarnationId: ID,
      zkMigrationReady: false,
      endPoints: [],
      features: [],
    };
    for (const deposed of [claim, { kind: 'AbortTransaction', reason: null } as const]) {
      const after = write(open, deposed).image;
      expect([after.topicsById.size, after.unfinished]).toEqual([0, undefined]);
      expect(write(after, { kind: 'EndTransaction' }).image.topicsById.size).toBe(0);
    }
    expect(open.unfinished?.length).toBe(2);
  });

  test('a topic removed and made again in one step is both removed and changed', () => {
    const before = write(EMPTY_IMAGE, topic, partition(0), config('x', '1')).image;
    const again: MetadataRecord = { kind: 'Topic', name: 't', topicId: OTHER };
    const { image, delta } = write(before, { kind: 'RemoveTopic', topicId: ID }, again, partition(0, OTHER));
    expect(delta.removedTopics.map(({ id }) => id)).toEqual([ID]);
    expect([...delta.changedTopics]).toEqual(['t']);
    expect(image.topicsByName.get('t')?.id).toBe(OTHER);
    expect([image.topicsById.size, configsOf(image, 2, 't').size]).toEqual([1, 0]);
    expect(configsOf(before, 2, 't').get('x')).toBe('1');
  });

  test('a config without value is taken away, and the delta names its resource', () => {
    const before = write(EMPTY_IMAGE, config('x', '1'), config('y', '')).image;
    expect(Object.fromEntries(configsOf(before, 2, 't'))).toEqual({ x: '1', y: '' });
    const { image, delta } = write(before, config('x', null), config('y', null), config('z', null));
    expect([image.configs.size, [...delta.changedConfigs]]).toEqual([0, ['2/t']]);
  });

  test('quotas are found by entity whatever the order of its parts', () => {
    const parts = [
      { entityType: 'user', entityName: null },
      { entityType: 'client-id', entityName: 'c' },
    ];
    const quota = (entity: typeof parts, remove: boolean): MetadataRecord => ({
      kind: 'ClientQuota',
      entity,
      key: 'producer_byte_rate',
      value: 5,
      remove,
    });
    const before = write(EMPTY_IMAGE, quota(parts, false)).image;
    expect([...before.quotas.values()][0]?.values.get('producer_byte_rate')).toBe(5);
    expect(write(before, quota(parts.toReversed(), true)).image.quotas.size).toBe(0);
  });

  test('features, producer ids, ACLs and credentials are set and taken away', () => {
    const acl = {
      id: ID,
      resourceType: 2,
      resourceName: 't',
      patternType: 3,
      principal: 'User:u',
      host: '*',
      operation: 3,
      permissionType: 3,
    };
    const secret = Buffer.from('s');
    const scram = { name: 'u', mechanism: 1, salt: secret, storedKey: secret, serverKey: secret, iterations: 4096 };
    const before = write(
      EMPTY_IMAGE,
      { kind: 'FeatureLevel', name: 'metadata.version', featureLevel: 7 },
      { kind: 'ProducerIds', brokerId: 1, brokerEpoch: 0, nextProducerId: 2000 },
      { kind: 'AccessControlEntry', ...acl },
      { kind: 'UserScramCredential', ...scram },
    ).image;
    expect(before).toMatchObject({ nextProducerId: 2000 });
    expect([before.features.get('metadata.version'), before.acls.size, before.scramCredentials.size]).toEqual([
      7, 1, 1,
    ]);
    const after = write(
      before,
      { kind: 'FeatureLevel', name: 'metadata.version', featureLevel: 0 },
      { kind: 'RemoveAccessControlEntry', id: ID },
      { kind: 'RemoveUserScramCredential', name: 'u', mechanism: 1 },
    ).image;
    expect([after.features.size, after.acls.size, after.scramCredentials.size]).toEqual([0, 0, 0]);
  });
});

/** What a controller would never write is left out: a topic twice, a partition after a gap. */
function isSensible(image: MetadataImage, record: MetadataRecord): boolean {
  if (record.kind === 'Topic') return !image.topicsByName.has(record.name) && !image.topicsById.has(record.topicId);
  if (record.kind !== 'Partition') return true;
  return record.partitionId <= (image.topicsById.get(record.topicId)?.partitions.length ?? 0);
}

test('an image comes back from its snapshot whatever led to it, and no older image ever changes', () => {
  const batches = fc.array(fc.array(arbitraryRecord, { maxLength: 6 }), { maxLength: 25 });
  fc.assert(
    fc.property(batches, (written) => {
      let image = EMPTY_IMAGE;
      for (const batch of written) {
        const before = structuredClone(image);
        const builder = new ImageBuilder(image);
        for (const record of batch) {
          const records = isSensible(builder.finish().image, record) ? [record] : [];
          builder.apply({ controllerEpoch: 1 + image.controllerEpoch, records }, image.nextOffset);
        }
        expect(structuredClone(image)).toEqual(before);
        ({ image } = builder.finish());
      }
      const builder = new ImageBuilder(EMPTY_IMAGE);
      for (const batch of decodeSnapshot(encodeSnapshot(image))) builder.apply(batch, image.nextOffset - 1);
      expect(builder.finish().image).toEqual(image);
    }),
    { numRuns: 200 },
  );
});

test('a snapshot of more records than a chunk takes is whole', () => {
  const topics = Array.from({ length: 2500 }, (_, at): MetadataRecord => {
    const topicId = Buffer.from(String(at).padStart(16, '0')).toString('base64url');
    return { kind: 'Topic', name: `t${at}`, topicId };
  });
  const { image } = write(EMPTY_IMAGE, ...topics);
  const chunks = encodeSnapshot(image);
  expect(chunks.length).toBe(3);
  const builder = new ImageBuilder(EMPTY_IMAGE);
  for (const batch of decodeSnapshot(chunks)) builder.apply(batch, 0);
  expect(builder.finish().image.topicsById.size).toBe(2500);
});

/** Any record of the metadata log, for property tests: names and ids from small pools, so that records meet. */
import fc from 'fast-check';
import type { MetadataRecord, RecordKind, RecordOf } from './records.ts';

const uuid = fc.constantFrom(1, 2, 3).map((byte) => Buffer.alloc(16, byte).toString('base64url'));
const name = fc.constantFrom('a', 'b', 'c.d', 'ünïcode', '');
const int8 = fc.integer({ min: -128, max: 127 });
const int32 = fc.integer({ min: -1, max: 2 ** 31 - 1 });
const int64 = fc.maxSafeNat();
const brokerId = fc.nat({ max: 3 });
const ids = fc.array(brokerId, { maxLength: 3 });
const uuids = fc.array(uuid, { maxLength: 3 });
const bytes = fc.uint8Array({ maxLength: 8 }).map((array) => Buffer.from(array));
const optional = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> => fc.option(value);
const endPoints = fc.array(
  fc.record({ name, host: name, port: fc.nat({ max: 65_535 }), securityProtocol: fc.nat({ max: 3 }) }),
  { maxLength: 2 },
);
const features = fc.array(
  fc.record({ name, minSupportedVersion: fc.nat({ max: 9 }), maxSupportedVersion: fc.nat({ max: 9 }) }),
  { maxLength: 2 },
);
const entity = fc.uniqueArray(
  fc.record({ entityType: fc.constantFrom('user', 'client-id'), entityName: optional(name) }),
  { minLength: 1, maxLength: 2, selector: ({ entityType }) => entityType },
);

const BODIES: { readonly [Kind in RecordKind]: fc.Arbitrary<Omit<RecordOf<Kind>, 'kind'>> } = {
  RegisterBroker: fc.record({
    brokerId,
    isMigratingZkBroker: fc.boolean(),
    incarnationId: uuid,
    brokerEpoch: fc.integer({ min: -1, max: 5 }),
    endPoints,
    features,
    rack: optional(name),
    fenced: fc.boolean(),
    inControlledShutdown: fc.boolean(),
    logDirs: uuids,
    cordonedLogDirs: optional(uuids),
  }),
  UnregisterBroker: fc.record({ brokerId, brokerEpoch: int64 }),
  BrokerRegistrationChange: fc.record({
    brokerId,
    brokerEpoch: fc.nat({ max: 5 }),
    fenced: fc.integer({ min: -1, max: 1 }),
    inControlledShutdown: fc.integer({ min: 0, max: 1 }),
    logDirs: uuids,
    cordonedLogDirs: optional(uuids),
  }),
  RegisterController: fc.record({
    controllerId: fc.nat({ max: 5 }),
    incarnationId: uuid,
    zkMigrationReady: fc.boolean(),
    endPoints,
    features,
  }),
  Topic: fc.record({ name, topicId: uuid }),
  Partition: fc.record({
    partitionId: fc.nat({ max: 3 }),
    topicId: uuid,
    replicas: ids,
    isr: ids,
    removingReplicas: ids,
    addingReplicas: ids,
    leader: int32,
    leaderRecoveryState: fc.nat({ max: 1 }),
    leaderEpoch: int32,
    partitionEpoch: int32,
    directories: uuids,
    eligibleLeaderReplicas: optional(ids),
    lastKnownElr: optional(ids),
  }),
  PartitionChange: fc.record({
    partitionId: fc.nat({ max: 3 }),
    topicId: uuid,
    isr: optional(ids),
    leader: fc.integer({ min: -2, max: 3 }),
    replicas: optional(ids),
    removingReplicas: optional(ids),
    addingReplicas: optional(ids),
    leaderRecoveryState: fc.integer({ min: -1, max: 1 }),
    directories: optional(uuids),
    eligibleLeaderReplicas: optional(ids),
    lastKnownElr: optional(ids),
  }),
  RemoveTopic: fc.record({ topicId: uuid }),
  Config: fc.record({ resourceType: fc.constantFrom(2, 4), resourceName: name, name, value: optional(name) }),
  ClientQuota: fc.record({ entity, key: name, value: fc.double({ noNaN: true }), remove: fc.boolean() }),
  ClearElr: fc.record({ topicName: name }),
  ProducerIds: fc.record({ brokerId: int32, brokerEpoch: int64, nextProducerId: int64 }),
  FeatureLevel: fc.record({ name, featureLevel: fc.nat({ max: 3 }) }),
  AccessControlEntry: fc.record({
    id: uuid,
    resourceType: int8,
    resourceName: name,
    patternType: int8,
    principal: name,
    host: name,
    operation: int8,
    permissionType: int8,
  }),
  RemoveAccessControlEntry: fc.record({ id: uuid }),
  UserScramCredential: fc.record({
    name,
    mechanism: fc.nat({ max: 2 }),
    salt: bytes,
    storedKey: bytes,
    serverKey: bytes,
    iterations: int32,
  }),
  RemoveUserScramCredential: fc.record({ name, mechanism: fc.nat({ max: 2 }) }),
  NoOp: fc.record({}),
  Cluster: fc.record({ clusterId: name }),
  StopPermit: fc.record({ brokerId, brokerEpoch: int64, podUid: optional(name), isGranted: fc.boolean() }),
  OperatorEpoch: fc.record({ operatorEpoch: fc.integer({ min: 1, max: 9 }), holder: name }),
  ChangeOrigin: fc.record({
    principal: name,
    host: name,
    clientId: optional(name),
    requestApiKey: fc.nat({ max: 99 }),
    recordCount: fc.nat({ max: 99 }),
  }),
  History: fc.record({
    hasHadTopics: fc.boolean(),
    terms: fc.array(
      fc.record({ controllerEpoch: int32, startOffset: int64, termId: uuid, restoredTo: fc.integer({ min: -1 }) }),
      { maxLength: 3 },
    ),
  }),
  GivenUp: fc.constant({}),
  BeginTransaction: fc.record({ name: optional(name) }),
  EndTransaction: fc.record({}),
  AbortTransaction: fc.record({ reason: optional(name) }),
};

export const RECORD_KINDS = Object.keys(BODIES) as RecordKind[];

export function arbitraryOf(kind: RecordKind): fc.Arbitrary<MetadataRecord> {
  return (BODIES[kind] as fc.Arbitrary<object>).map((body) => ({ kind, ...body }) as MetadataRecord);
}

/** Any record that takes effect by itself. */
export const arbitraryRecord: fc.Arbitrary<MetadataRecord> = fc.oneof(
  ...RECORD_KINDS.filter((kind) => !kind.endsWith('Transaction')).map(arbitraryOf),
);

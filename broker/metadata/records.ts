/**
 * Records of the metadata log, and how a batch of them becomes bytes.
 *
 * Names and fields are KRaft's. A batch is: frame version, the epoch of the controller that wrote it, the count, then
 * per record its type, its version and its body, each as KRaft frames them.
 */

import * as abortTransaction from '../protocol/generated/abort-transaction-record.ts';
import * as accessControlEntry from '../protocol/generated/access-control-entry-record.ts';
import * as beginTransaction from '../protocol/generated/begin-transaction-record.ts';
import * as brokerRegistrationChange from '../protocol/generated/broker-registration-change-record.ts';
import * as changeOrigin from '../protocol/generated/change-origin-record.ts';
import * as clearElr from '../protocol/generated/clear-elr-record.ts';
import * as clientQuota from '../protocol/generated/client-quota-record.ts';
import * as cluster from '../protocol/generated/cluster-record.ts';
import * as config from '../protocol/generated/config-record.ts';
import * as endTransaction from '../protocol/generated/end-transaction-record.ts';
import * as featureLevel from '../protocol/generated/feature-level-record.ts';
import * as givenUp from '../protocol/generated/given-up-record.ts';
import * as history from '../protocol/generated/history-record.ts';
import * as noOp from '../protocol/generated/no-op-record.ts';
import * as operatorEpoch from '../protocol/generated/operator-epoch-record.ts';
import * as partitionChange from '../protocol/generated/partition-change-record.ts';
import * as partition from '../protocol/generated/partition-record.ts';
import * as producerIds from '../protocol/generated/producer-ids-record.ts';
import * as registerBroker from '../protocol/generated/register-broker-record.ts';
import * as registerController from '../protocol/generated/register-controller-record.ts';
import * as removeAccessControlEntry from '../protocol/generated/remove-access-control-entry-record.ts';
import * as removeTopic from '../protocol/generated/remove-topic-record.ts';
import * as removeUserScramCredential from '../protocol/generated/remove-user-scram-credential-record.ts';
import * as stopPermit from '../protocol/generated/stop-permit-record.ts';
import * as topic from '../protocol/generated/topic-record.ts';
import * as unregisterBroker from '../protocol/generated/unregister-broker-record.ts';
import * as userScramCredential from '../protocol/generated/user-scram-credential-record.ts';
import { malformed, Reader, Writer } from '../protocol/mod.ts';
import { METADATA_VERSION, tooNew } from './metadata-version.ts';

interface Bodies {
  RegisterBroker: registerBroker.RegisterBrokerRecord;
  UnregisterBroker: unregisterBroker.UnregisterBrokerRecord;
  BrokerRegistrationChange: brokerRegistrationChange.BrokerRegistrationChangeRecord;
  RegisterController: registerController.RegisterControllerRecord;
  Topic: topic.TopicRecord;
  Partition: partition.PartitionRecord;
  PartitionChange: partitionChange.PartitionChangeRecord;
  RemoveTopic: removeTopic.RemoveTopicRecord;
  Config: config.ConfigRecord;
  ClientQuota: clientQuota.ClientQuotaRecord;
  ProducerIds: producerIds.ProducerIdsRecord;
  FeatureLevel: featureLevel.FeatureLevelRecord;
  AccessControlEntry: accessControlEntry.AccessControlEntryRecord;
  RemoveAccessControlEntry: removeAccessControlEntry.RemoveAccessControlEntryRecord;
  UserScramCredential: userScramCredential.UserScramCredentialRecord;
  RemoveUserScramCredential: removeUserScramCredential.RemoveUserScramCredentialRecord;
  NoOp: noOp.NoOpRecord;
  BeginTransaction: beginTransaction.BeginTransactionRecord;
  EndTransaction: endTransaction.EndTransactionRecord;
  AbortTransaction: abortTransaction.AbortTransactionRecord;
  ClearElr: clearElr.ClearElrRecord;
  ChangeOrigin: changeOrigin.ChangeOriginRecord;
  Cluster: cluster.ClusterRecord;
  OperatorEpoch: operatorEpoch.OperatorEpochRecord;
  StopPermit: stopPermit.StopPermitRecord;
  History: history.HistoryRecord;
  GivenUp: givenUp.GivenUpRecord;
}

export type RecordKind = keyof Bodies;

/** `{ kind: 'Topic', name, topicId }` and so on: the body's fields beside the kind. */
export type MetadataRecord = { [Kind in RecordKind]: { readonly kind: Kind } & Readonly<Bodies[Kind]> }[RecordKind];

export type RecordOf<Kind extends RecordKind> = Extract<MetadataRecord, { readonly kind: Kind }>;

interface Codec {
  readonly key: number;
  readonly version: number;
  readonly read: (reader: Reader, version: number) => object;
  readonly write: (writer: Writer, body: never, version: number) => void;
}

/** The version written is the newest; older ones are read for ever. */
const CODECS: Readonly<Record<RecordKind, Codec>> = {
  RegisterBroker: {
    key: 0,
    version: 4,
    read: registerBroker.readRegisterBrokerRecord,
    write: registerBroker.writeRegisterBrokerRecord,
  },
  UnregisterBroker: {
    key: 1,
    version: 0,
    read: unregisterBroker.readUnregisterBrokerRecord,
    write: unregisterBroker.writeUnregisterBrokerRecord,
  },
  Topic: { key: 2, version: 0, read: topic.readTopicRecord, write: topic.writeTopicRecord },
  Partition: { key: 3, version: 2, read: partition.readPartitionRecord, write: partition.writePartitionRecord },
  Config: { key: 4, version: 0, read: config.readConfigRecord, write: config.writeConfigRecord },
  PartitionChange: {
    key: 5,
    version: 2,
    read: partitionChange.readPartitionChangeRecord,
    write: partitionChange.writePartitionChangeRecord,
  },
  RemoveTopic: {
    key: 9,
    version: 0,
    read: removeTopic.readRemoveTopicRecord,
    write: removeTopic.writeRemoveTopicRecord,
  },
  UserScramCredential: {
    key: 11,
    version: 0,
    read: userScramCredential.readUserScramCredentialRecord,
    write: userScramCredential.writeUserScramCredentialRecord,
  },
  FeatureLevel: {
    key: 12,
    version: 0,
    read: featureLevel.readFeatureLevelRecord,
    write: featureLevel.writeFeatureLevelRecord,
  },
  ClientQuota: {
    key: 14,
    version: 0,
    read: clientQuota.readClientQuotaRecord,
    write: clientQuota.writeClientQuotaRecord,
  },
  ProducerIds: {
    key: 15,
    version: 0,
    read: producerIds.readProducerIdsRecord,
    write: producerIds.writeProducerIdsRecord,
  },
  BrokerRegistrationChange: {
    key: 17,
    version: 3,
    read: brokerRegistrationChange.readBrokerRegistrationChangeRecord,
    write: brokerRegistrationChange.writeBrokerRegistrationChangeRecord,
  },
  AccessControlEntry: {
    key: 18,
    version: 0,
    read: accessControlEntry.readAccessControlEntryRecord,
    write: accessControlEntry.writeAccessControlEntryRecord,
  },
  RemoveAccessControlEntry: {
    key: 19,
    version: 0,
    read: removeAccessControlEntry.readRemoveAccessControlEntryRecord,
    write: removeAccessControlEntry.writeRemoveAccessControlEntryRecord,
  },
  NoOp: { key: 20, version: 0, read: noOp.readNoOpRecord, write: noOp.writeNoOpRecord },
  RemoveUserScramCredential: {
    key: 22,
    version: 0,
    read: removeUserScramCredential.readRemoveUserScramCredentialRecord,
    write: removeUserScramCredential.writeRemoveUserScramCredentialRecord,
  },
  BeginTransaction: {
    key: 23,
    version: 0,
    read: beginTransaction.readBeginTransactionRecord,
    write: beginTransaction.writeBeginTransactionRecord,
  },
  EndTransaction: {
    key: 24,
    version: 0,
    read: endTransaction.readEndTransactionRecord,
    write: endTransaction.writeEndTransactionRecord,
  },
  AbortTransaction: {
    key: 25,
    version: 0,
    read: abortTransaction.readAbortTransactionRecord,
    write: abortTransaction.writeAbortTransactionRecord,
  },
  RegisterController: {
    key: 27,
    version: 0,
    read: registerController.readRegisterControllerRecord,
    write: registerController.writeRegisterControllerRecord,
  },
  ClearElr: { key: 28, version: 0, read: clearElr.readClearElrRecord, write: clearElr.writeClearElrRecord },
  Cluster: { key: 20000, version: 0, read: cluster.readClusterRecord, write: cluster.writeClusterRecord },
  StopPermit: {
    key: 20001,
    version: 0,
    read: stopPermit.readStopPermitRecord,
    write: stopPermit.writeStopPermitRecord,
  },
  OperatorEpoch: {
    key: 20002,
    version: 0,
    read: operatorEpoch.readOperatorEpochRecord,
    write: operatorEpoch.writeOperatorEpochRecord,
  },
  ChangeOrigin: {
    key: 20003,
    version: 0,
    read: changeOrigin.readChangeOriginRecord,
    write: changeOrigin.writeChangeOriginRecord,
  },
  History: { key: 20004, version: 0, read: history.readHistoryRecord, write: history.writeHistoryRecord },
  GivenUp: { key: 20005, version: 0, read: givenUp.readGivenUpRecord, write: givenUp.writeGivenUpRecord },
};

const kindByKey = new Map<number, RecordKind>(
  Object.entries(CODECS).map(([kind, { key }]) => [key, kind as RecordKind]),
);

const FRAME_VERSION = 1;
/** Type and version before each body. */
const RECORD_FRAME_BYTES = 2;

export interface MetadataBatch {
  readonly controllerEpoch: number;
  readonly records: readonly MetadataRecord[];
}

/** Bytes of one record in a batch, to keep batches small; a store takes small ones several times faster. */
export function recordBytes(record: MetadataRecord): number {
  const writer = new Writer(256);
  const { version, write } = CODECS[record.kind];
  write(writer, record as never, version);
  return writer.sizeBytes + RECORD_FRAME_BYTES;
}

export function encodeBatch(batch: MetadataBatch): Buffer {
  const writer = new Writer(1024);
  writer.writeInt8(FRAME_VERSION);
  writer.writeInt32(batch.controllerEpoch);
  writer.writeUnsignedVarint(batch.records.length);
  for (const record of batch.records) {
    const { key, version, write } = CODECS[record.kind];
    writer.writeUnsignedVarint(key);
    writer.writeUnsignedVarint(version);
    write(writer, record as never, version);
  }
  return writer.finish();
}

/**
 * Throws BrokerError `store.tooNew` on what a later release writes, and `protocol.malformed` on anything else that
 * `encodeBatch` does not.
 */
export function decodeBatch(payload: Buffer): MetadataBatch {
  const reader = new Reader(payload);
  const frame = reader.readInt8();
  if (frame > FRAME_VERSION) throw tooNew(`a batch of frame version ${frame}`);
  if (frame !== FRAME_VERSION) throw malformed(`metadata batch of frame version ${frame}`);
  const controllerEpoch = reader.readInt32();
  const count = reader.readUnsignedVarint();
  const records: MetadataRecord[] = [];
  for (let i = 0; i < count; i++) {
    const key = reader.readUnsignedVarint();
    const version = reader.readUnsignedVarint();
    const kind = kindByKey.get(key);
    if (kind === undefined) throw tooNew(`a record of type ${key}`);
    const codec = CODECS[kind];
    if (version > codec.version) throw tooNew(`a ${kind} record of version ${version}`);
    const record = { kind, ...codec.read(reader, version) } as MetadataRecord;
    if (isTooNew(record)) throw tooNew(`${record.name} at level ${record.featureLevel}`);
    records.push(record);
  }
  return { controllerEpoch, records };
}

function isTooNew(record: MetadataRecord): record is RecordOf<'FeatureLevel'> {
  const { feature, maxLevel } = METADATA_VERSION;
  return record.kind === 'FeatureLevel' && record.name === feature && record.featureLevel > maxLevel;
}

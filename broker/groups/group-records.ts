/** Groups and offsets as records of `__consumer_offsets`, in Kafka's own schemas. */
import { readGroupMetadataKey, writeGroupMetadataKey } from '../protocol/generated/group-metadata-key.ts';
import {
  type GroupMetadataValue,
  readGroupMetadataValue,
  writeGroupMetadataValue,
} from '../protocol/generated/group-metadata-value.ts';
import { readOffsetCommitKey, writeOffsetCommitKey } from '../protocol/generated/offset-commit-key.ts';
import { readOffsetCommitValue, writeOffsetCommitValue } from '../protocol/generated/offset-commit-value.ts';
import { Reader, Writer } from '../protocol/mod.ts';
import { ZERO_UUID } from '../std/mod.ts';
import type { Group } from './group.ts';
import { metadataFor, NO_BYTES } from './member.ts';
import type { CommittedOffset } from './offsets.ts';

/** The first two bytes of a key say what it is; two versions of the offset key share one schema. */
const LEGACY_OFFSET_KEY = 0;
const OFFSET_KEY = 1;
const GROUP_KEY = 2;
/** Versions of values as Kafka 4.3 writes them. */
const GROUP_VALUE_VERSION = 3;
const OFFSET_VALUE_VERSION = 3;
/** Only this version can say when an offset expires, for commits that ask for a retention of their own. */
const OFFSET_VALUE_WITH_EXPIRY = 1;
/** The first version with the topic's id (KIP-848 clients commit by id). */
const OFFSET_VALUE_WITH_TOPIC_ID = 4;

export function offsetKey(group: string, topic: string, partition: number): Buffer {
  const writer = new Writer(64);
  writer.writeInt16(OFFSET_KEY);
  writeOffsetCommitKey(writer, { group, topic, partition }, 0);
  return writer.finish();
}

export function offsetValue(offset: CommittedOffset): Buffer {
  let version = OFFSET_VALUE_VERSION;
  if (offset.expireTimestampMs !== -1) version = OFFSET_VALUE_WITH_EXPIRY;
  else if (offset.topicId !== ZERO_UUID) version = OFFSET_VALUE_WITH_TOPIC_ID;
  const writer = new Writer(64);
  writer.writeInt16(version);
  writeOffsetCommitValue(
    writer,
    {
      offset: offset.offset,
      leaderEpoch: offset.leaderEpoch,
      metadata: offset.metadata,
      commitTimestamp: offset.commitTimestampMs,
      ...(version === OFFSET_VALUE_WITH_EXPIRY ? { expireTimestamp: offset.expireTimestampMs } : {}),
      ...(version === OFFSET_VALUE_WITH_TOPIC_ID ? { topicId: offset.topicId } : {}),
    },
    version,
  );
  return writer.finish();
}

export function groupKey(group: string): Buffer {
  const writer = new Writer(64);
  writer.writeInt16(GROUP_KEY);
  writeGroupMetadataKey(writer, { group }, 0);
  return writer.finish();
}

/** The group with these assignments by member, which may not be the ones it has in memory yet. */
export function groupValue(group: Group, assignments: ReadonlyMap<string, Buffer>): Buffer {
  const writer = new Writer(512);
  writer.writeInt16(GROUP_VALUE_VERSION);
  writeGroupMetadataValue(
    writer,
    {
      protocolType: group.protocolType ?? '',
      generation: group.generationId,
      protocol: group.protocolName,
      leader: group.leader,
      currentStateTimestamp: group.stateSinceMs,
      members: [...group.members.values()].map((member) => ({
        memberId: member.id,
        groupInstanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: metadataFor(member, group.protocolName),
        assignment: assignments.get(member.id) ?? NO_BYTES,
      })),
    },
    GROUP_VALUE_VERSION,
  );
  return writer.finish();
}

export type GroupRecord =
  | {
      readonly kind: 'offset';
      readonly group: string;
      readonly topic: string;
      readonly partition: number;
      readonly value: CommittedOffset | null;
    }
  | { readonly kind: 'group'; readonly group: string; readonly value: GroupMetadataValue | null };

/** Undefined for records of other kinds of groups, which are not ours to keep. */
export function readGroupRecord(key: Buffer, value: Buffer | null): GroupRecord | undefined {
  const keyReader = new Reader(key);
  switch (keyReader.readInt16()) {
    case LEGACY_OFFSET_KEY:
    case OFFSET_KEY: {
      const { group, topic, partition } = readOffsetCommitKey(keyReader, 0);
      return { kind: 'offset', group, topic, partition, value: value === null ? null : readOffsetValue(value) };
    }
    case GROUP_KEY: {
      const { group } = readGroupMetadataKey(keyReader, 0);
      if (value === null) return { kind: 'group', group, value: null };
      const reader = new Reader(value);
      return { kind: 'group', group, value: readGroupMetadataValue(reader, reader.readInt16()) };
    }
    default:
      return undefined;
  }
}

function readOffsetValue(value: Buffer): CommittedOffset {
  const reader = new Reader(value);
  const read = readOffsetCommitValue(reader, reader.readInt16());
  return {
    offset: read.offset,
    leaderEpoch: read.leaderEpoch,
    metadata: read.metadata,
    commitTimestampMs: read.commitTimestamp,
    expireTimestampMs: read.expireTimestamp,
    topicId: read.topicId,
  };
}

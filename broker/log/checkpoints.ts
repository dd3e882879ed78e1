/**
 * The small text files of a log folder, in Kafka's formats, replaced whole: written beside, synced, renamed over. A
 * reader sees the old content or the new, and after power loss perhaps the old, which every one of them tolerates.
 */
import { BrokerError, type Disk } from '../std/mod.ts';

export const RECOVERY_POINT_FILE = 'recovery-point-offset-checkpoint';
export const LOG_START_FILE = 'log-start-offset-checkpoint';
export const HIGH_WATERMARK_FILE = 'replication-offset-checkpoint';
export const CLEANER_FILE = 'cleaner-offset-checkpoint';
export const LEADER_EPOCH_FILE = 'leader-epoch-checkpoint';
export const PARTITION_METADATA_FILE = 'partition.metadata';
export const META_PROPERTIES_FILE = 'meta.properties';
export const CLEAN_SHUTDOWN_FILE = '.kafka_cleanshutdown';
export const LOCK_FILE = '.lock';

export interface OffsetCheckpoint {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Written, not synced, and not whole after a kill in between: for who can tell by its content. */
export function writeFile(disk: Disk, path: string, content: string | Buffer): void {
  writeContent(disk, path, content).close();
}

function writeContent(disk: Disk, path: string, content: string | Buffer) {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const file = disk.open(path, 'create');
  for (let at = 0; at < bytes.length; ) at += file.writeSync(bytes, at, bytes.length - at, at);
  if (file.sizeBytes() !== bytes.length) file.truncate(bytes.length);
  return file;
}

export async function replaceFile(disk: Disk, path: string, content: string | Buffer): Promise<void> {
  const file = writeContent(disk, `${path}.tmp`, content);
  try {
    await file.datasync();
  } finally {
    file.close();
  }
  disk.rename(`${path}.tmp`, path);
}

/** For start-up and shutdown: the name is durable, too, when it returns. */
export function replaceFileNow(disk: Disk, path: string, content: string | Buffer): void {
  const file = writeContent(disk, `${path}.tmp`, content);
  try {
    file.datasyncSync();
  } finally {
    file.close();
  }
  disk.rename(`${path}.tmp`, path);
  disk.syncFolder(path.slice(0, path.lastIndexOf('/')));
}

function readLines(disk: Disk, path: string): string[] {
  const lines = disk.readFile(path).toString('utf8').split('\n');
  const count = Number(lines[1]);
  if (lines[0] !== '0' || !Number.isInteger(count) || lines.length < count + 2) {
    throw new BrokerError('log.corrupt', 'a checkpoint file is not readable', { context: { path } });
  }
  return lines.slice(2, 2 + count);
}

export function encodeOffsets(entries: readonly OffsetCheckpoint[]): string {
  const lines = entries.map((entry) => `${entry.topic} ${entry.partition} ${entry.offset}\n`);
  return `0\n${entries.length}\n${lines.join('')}`;
}

/** Offsets by `<topic>-<partition>`; empty when there is no file. Throws `log.corrupt`. */
export function readOffsets(disk: Disk, path: string): Map<string, number> {
  const offsets = new Map<string, number>();
  // Kafka makes some of them empty before it has anything to say.
  if ((disk.stat(path)?.sizeBytes ?? 0) === 0) return offsets;
  for (const line of readLines(disk, path)) {
    const [topic, partition, offset] = line.split(/\s+/);
    if (topic === undefined || !Number.isSafeInteger(Number(partition)) || !Number.isSafeInteger(Number(offset))) {
      throw new BrokerError('log.corrupt', 'an offset checkpoint has a malformed line', { context: { path, line } });
    }
    offsets.set(`${topic}-${Number(partition)}`, Number(offset));
  }
  return offsets;
}

export interface EpochEntry {
  readonly epoch: number;
  readonly startOffset: number;
}

export function encodeEpochs(entries: readonly EpochEntry[]): string {
  return `0\n${entries.length}\n${entries.map((entry) => `${entry.epoch} ${entry.startOffset}\n`).join('')}`;
}

/** Undefined when there is no file. Throws `log.corrupt`. */
export function readEpochs(disk: Disk, path: string): EpochEntry[] | undefined {
  if (!disk.exists(path)) return undefined;
  return readLines(disk, path).map((line) => {
    const [epoch, startOffset] = line.split(/\s+/).map(Number);
    if (!Number.isSafeInteger(epoch) || !Number.isSafeInteger(startOffset)) {
      throw new BrokerError('log.corrupt', 'a leader epoch checkpoint has a malformed line', { context: { path } });
    }
    return { epoch: epoch as number, startOffset: startOffset as number };
  });
}

const PARTITION_METADATA_HEAD = 'version: 0\ntopic_id: ';
const TOPIC_ID_LENGTH = 22;

export function encodePartitionMetadata(topicId: string): string {
  return `${PARTITION_METADATA_HEAD}${topicId}`;
}

/**
 * The topic id of a partition's folder. Undefined when there is none yet: the file is missing, cut short or has a hole,
 * because the power failed before the log was flushed for the first time.
 */
export function readPartitionMetadata(disk: Disk, path: string): string | undefined {
  if (!disk.exists(path)) return undefined;
  const text = disk.readFile(path).toString('utf8');
  const isShort = text.length < PARTITION_METADATA_HEAD.length + TOPIC_ID_LENGTH;
  const isBegun = PARTITION_METADATA_HEAD.startsWith(text.slice(0, PARTITION_METADATA_HEAD.length));
  if (text.includes('\0') || (isShort && isBegun)) return undefined;
  const match = /^topic_id:\s*([\w-]{22})\s*$/m.exec(text);
  if (match === null) throw new BrokerError('log.corrupt', 'partition.metadata is not readable', { context: { path } });
  return match[1] as string;
}

export interface MetaProperties {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly directoryId: string | undefined;
}

export function encodeMetaProperties(meta: MetaProperties): string {
  const directory = meta.directoryId === undefined ? '' : `directory.id=${meta.directoryId}\n`;
  return `#\n${directory}node.id=${meta.nodeId}\nversion=1\ncluster.id=${meta.clusterId}\n`;
}

export function readMetaProperties(disk: Disk, path: string): MetaProperties | undefined {
  if (!disk.exists(path)) return undefined;
  const values = new Map<string, string>();
  for (const line of disk.readFile(path).toString('latin1').split('\n')) {
    const match = /^\s*([^#!=:\s]+)\s*[=:]\s*(.*?)\s*$/.exec(line);
    if (match !== null) values.set(match[1] as string, (match[2] as string).replace(/\\(.)/g, '$1'));
  }
  const clusterId = values.get('cluster.id');
  const nodeId = Number(values.get('node.id') ?? values.get('broker.id'));
  if (clusterId === undefined || !Number.isInteger(nodeId)) {
    throw new BrokerError('data.foreign', 'meta.properties names no cluster and node', { context: { path } });
  }
  return { clusterId, nodeId, directoryId: values.get('directory.id') };
}

export function encodeCleanShutdown(brokerEpoch: number): string {
  return JSON.stringify({ version: 0, brokerEpoch });
}

/** The broker epoch of the last clean shutdown, -1 if Kafka wrote none in it, undefined when there was none. */
export function readCleanShutdown(disk: Disk, path: string): number | undefined {
  if (!disk.exists(path)) return undefined;
  try {
    const parsed: unknown = JSON.parse(disk.readFile(path).toString('utf8'));
    const epoch = (parsed as { brokerEpoch?: unknown }).brokerEpoch;
    return typeof epoch === 'number' ? epoch : -1;
  } catch {
    return -1;
  }
}

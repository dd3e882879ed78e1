/**
 * All partitions of a broker, in one or more folders: opening them after a stop of either kind, the files that Kafka
 * keeps beside them, and what has to happen from time to time.
 */
import { assert, BrokerError, type Disk, type Runtime, randomUuid, type Timer } from '../std/mod.ts';
import { Arena } from './arena.ts';
import { type CheckpointKind, CheckpointWriter } from './checkpoint-writer.ts';
import {
  CLEAN_SHUTDOWN_FILE,
  CLEANER_FILE,
  encodeCleanShutdown,
  encodeMetaProperties,
  HIGH_WATERMARK_FILE,
  LOCK_FILE,
  LOG_START_FILE,
  META_PROPERTIES_FILE,
  PARTITION_METADATA_FILE,
  RECOVERY_POINT_FILE,
  readCleanShutdown,
  readMetaProperties,
  readOffsets,
  readPartitionMetadata,
  replaceFileNow,
} from './checkpoints.ts';
import { type CleanerStatus, LogCleaner } from './cleaner/log-cleaner.ts';
import {
  DELETE_FOLDER_SUFFIX,
  LOG_SUFFIX,
  parseFileName,
  parsePartitionFolder,
  partitionFolderName,
  retiredFolderName,
  STRAY_FOLDER_SUFFIX,
} from './file-names.ts';
import { DEFAULT_LOG_MANAGER_CONFIG, type LogConfig, type LogManagerConfig } from './log-config.ts';
import type { LogContext } from './log-context.ts';
import { LogFolder } from './log-folder.ts';
import { PartitionLog } from './partition-log.ts';
import { ReadAhead } from './read-ahead.ts';
import { ReadBuffers } from './read-buffers.ts';
import { enforceRetention } from './retention.ts';

/** KRaft's own log, which Kafka keeps beside the partitions: no partition of ours, and not ours to touch. */
const KAFKA_METADATA_TOPIC = '__cluster_metadata';
/** What the system says of one file or folder rather than of the disk it is on. */
const FILE_ERROR_CODES: ReadonlySet<unknown> = new Set(['EACCES', 'EISDIR', 'ELOOP', 'ENOENT', 'ENOTDIR', 'EPERM']);

/** Logs that are flushed side by side when the broker stops: the disk writes for several in one go. */
const CLOSED_AT_A_TIME = 16;

export interface LogManagerOptions {
  readonly runtime: Runtime;
  /** `log.dirs`, absolute. */
  readonly folders: readonly string[];
  readonly nodeId: number;
  readonly clusterId: string;
  readonly config?: Partial<LogManagerConfig>;
  /** The configuration of a topic that is found on disk. */
  readonly configOf: (topic: string) => LogConfig;
  /** How many partitions are opened at a time. */
  readonly recoveryThreads?: number;
  /** The id of the first folder, if it is new; default a random one. */
  readonly firstDirectoryId?: string;
}

export interface LogFolderDescription {
  readonly path: string;
  readonly directoryId: string;
  readonly isOffline: boolean;
  readonly totalBytes: number;
  readonly usableBytes: number;
  readonly partitions: readonly { topic: string; partition: number; sizeBytes: number }[];
}

interface Checkpoints {
  readonly recoveryPoints: Map<string, number>;
  readonly logStarts: Map<string, number>;
  readonly highWatermarks: Map<string, number>;
}

export class LogManager {
  /**
   * The broker epoch in the clean-shutdown marker of every folder; undefined after an unclean stop, or the first time.
   */
  previousBrokerEpoch: number | undefined;
  /** Called when a folder went offline; its partitions answer KAFKA_STORAGE_ERROR from then on. */
  onFolderOffline: (folder: LogFolder) => void = () => {};
  /** Called when a folder was found to have no room; see `fullFolders`. */
  onFolderFull: (folder: LogFolder) => void = () => {};
  /** Called with the time that each flush of a log took. */
  onFlushed: (elapsedMs: number) => void = () => {};
  private readonly runtime: Runtime;
  private readonly config: LogManagerConfig;
  private readonly context: LogContext;
  private readonly folderList: LogFolder[] = [];
  private readonly logs = new Map<string, PartitionLog>();
  /** Partition folders whose content makes no sense: offline until somebody mends them and the broker starts again. */
  private readonly unreadable = new Set<string>();
  private readonly checkpoints: CheckpointWriter;
  private readonly cleaner: LogCleaner;
  /** Folders whose log starts moved since they were last written. */
  private readonly movedStarts = new Set<LogFolder>();
  private readonly incarnation: string;
  private readonly timers = new Set<Timer>();
  private dirty: (() => void)[] = [];
  private isInUse = false;
  private isClosing = false;

  private constructor(options: LogManagerOptions) {
    this.runtime = options.runtime;
    this.config = { ...DEFAULT_LOG_MANAGER_CONFIG, ...options.config };
    this.incarnation = randomUuid(options.runtime.random);
    const readBuffers = new ReadBuffers();
    this.context = {
      runtime: this.runtime,
      config: this.config,
      arena: new Arena(this.config.cacheBytes),
      readBuffers,
      readAhead: new ReadAhead(readBuffers, this.runtime.clock),
      markDirty: (write) => this.markDirty(write),
      takeOffline: (folder, error) => this.takeOffline(folder, error),
      foundFull: (folder) => this.foundFull(folder),
      flushed: (elapsedMs) => this.onFlushed(elapsedMs),
      logStartMoved: (folder) => this.logStartMoved(folder),
    };
    this.checkpoints = new CheckpointWriter(this.runtime.disk, this.logs);
    this.cleaner = new LogCleaner(this.context, async (folder) => {
      await this.checkpoints.write(folder, 'recoveryPoints');
      this.runtime.disk.syncFolder(folder.path);
    });
  }

  /** Throws BrokerError `data.foreign` when a folder belongs to another broker or cluster. */
  static async open(options: LogManagerOptions): Promise<LogManager> {
    const manager = new LogManager(options);
    for (const path of options.folders) await manager.openFolder(path, options);
    if (manager.folderList.every((folder) => folder.isOffline)) {
      throw new BrokerError('log.offline', 'no log folder can be used', { context: { folders: options.folders } });
    }
    return manager;
  }

  /**
   * Before the first write: what the last clean stop vouched for ends here. Until then the folders are as they were
   * found, also for whoever opens them after this process was killed.
   */
  takeIntoUse(): void {
    assert(!this.isInUse, 'logs are taken into use twice');
    this.isInUse = true;
    for (const folder of this.folderList) {
      if (folder.isOffline) continue;
      try {
        this.removeMarker(folder);
      } catch (error) {
        this.takeOffline(folder, error);
      }
    }
    this.startTasks();
  }

  get folders(): readonly LogFolder[] {
    return this.folderList;
  }

  /** Folders that have no room at the moment. */
  fullFolders(): LogFolder[] {
    const { clock, disk } = this.runtime;
    return this.folderList.filter((folder) => folder.isFull(clock.monotonicMs(), disk));
  }

  get(topic: string, partition: number): PartitionLog | undefined {
    return this.logs.get(partitionFolderName(topic, partition));
  }

  all(): Iterable<PartitionLog> {
    return this.logs.values();
  }

  create(topic: string, partition: number, topicId: string, config: LogConfig, directoryId?: string): PartitionLog {
    const name = partitionFolderName(topic, partition);
    assert(!this.logs.has(name), 'a log is created that exists');
    assert(this.isInUse, 'a log is created in folders that still count as cleanly closed');
    if (this.unreadable.has(name)) {
      throw new BrokerError('log.offline', 'a log is there but cannot be read', { context: { topic, partition } });
    }
    const logFolder = this.chooseFolder(directoryId);
    const path = `${logFolder.path}/${name}`;
    try {
      if (this.runtime.disk.exists(path)) this.clearRemainder(logFolder, topic, partition);
      const log = PartitionLog.create({ context: this.context, topic, partition, topicId, config, logFolder, path });
      this.logs.set(name, log);
      return log;
    } catch (error) {
      throw new BrokerError('disk.failed', 'a log could not be created', { cause: error, context: { path } });
    }
  }

  /** The log is gone at once; its files after `file.delete.delay.ms`. */
  async delete(topic: string, partition: number): Promise<void> {
    const log = this.remove(topic, partition);
    if (log === undefined) return;
    const path = this.retireFolder(log, DELETE_FOLDER_SUFFIX);
    if (path !== undefined) this.later(log.config.fileDeleteDelayMs, () => this.removeRetired(path, log.logFolder));
  }

  /** A log that belongs to nothing we know of is set aside and kept. */
  async markStray(topic: string, partition: number): Promise<void> {
    const log = this.remove(topic, partition);
    if (log !== undefined) this.retireFolder(log, STRAY_FOLDER_SUFFIX);
  }

  describe(): LogFolderDescription[] {
    return this.folderList.map((folder) => {
      const partitions = [...this.logs.values()].filter((log) => log.logFolder === folder);
      const space = folder.isOffline ? { totalBytes: -1, freeBytes: -1 } : this.runtime.disk.space(folder.path);
      return {
        path: folder.path,
        directoryId: folder.directoryId,
        isOffline: folder.isOffline,
        totalBytes: space.totalBytes,
        usableBytes: space.freeBytes,
        partitions: partitions.map(({ topic, partition, sizeBytes }) => ({ topic, partition, sizeBytes })),
      };
    });
  }

  /** Deletes what the topics' configurations no longer keep, of those logs that are not only compacted. */
  runRetention(): void {
    for (const log of this.logs.values()) {
      if (log.logFolder.isOffline) continue;
      try {
        enforceRetention(log, this.runtime.clock.nowMs());
        log.rest();
        log.producers.removeExpired(this.runtime.clock.nowMs(), this.config.producerIdExpirationMs);
      } catch (error) {
        this.takeOffline(log.logFolder, error);
      }
    }
  }

  get cleanerStatus(): Readonly<CleanerStatus> {
    return this.cleaner.status;
  }

  /** Logs that the cleaner has set aside after a failure. */
  uncleanable(): PartitionLog[] {
    return [...this.logs.values()].filter((log) => this.cleaner.isUncleanable(log));
  }

  /** Cleans the dirtiest log, if one is dirty enough; false when there was nothing to do. */
  runCleaner(): Promise<boolean> {
    return this.cleaner.cleanOnce([...this.logs.values()].filter((log) => !log.logFolder.isOffline));
  }

  /**
   * Flushes everything, then says so on disk. A broker that was never registered, whose epoch is -1, has written
   * nothing and leaves its folders as it found them.
   */
  async close(options: { readonly brokerEpoch: number }): Promise<void> {
    this.isClosing = true;
    for (const timer of this.timers) timer.cancel();
    this.timers.clear();
    if (options.brokerEpoch < 0) {
      for (const log of this.logs.values()) log.abandon();
      for (const folder of this.folderList) if (!folder.isOffline) this.releaseLock(folder);
      return;
    }
    await this.closeLogs();
    const { disk } = this.runtime;
    for (const folder of this.folderList) {
      if (folder.isOffline) continue;
      for (const kind of ['recoveryPoints', 'logStarts', 'highWatermarks'] as const) {
        await this.checkpoints.write(folder, kind);
      }
      // The names of all logs in one go, and those of the checkpoints.
      await disk.syncFolderAsync(folder.path);
      const marker = encodeCleanShutdown(options.brokerEpoch);
      replaceFileNow(disk, `${folder.path}/${CLEAN_SHUTDOWN_FILE}`, marker);
      this.releaseLock(folder);
    }
  }

  private async closeLogs(): Promise<void> {
    const waiting = this.logs.values();
    const worker = async (): Promise<void> => {
      for (const log of waiting) {
        if (log.logFolder.isOffline) log.abandon();
        else await log.close().catch((error: unknown) => this.takeOffline(log.logFolder, error));
      }
    };
    await Promise.all(Array.from({ length: CLOSED_AT_A_TIME }, worker));
  }

  private async openFolder(path: string, options: LogManagerOptions): Promise<void> {
    const { disk, log } = this.runtime;
    try {
      if (!disk.exists(path)) {
        disk.makeFolder(path);
        disk.syncFolder(path.slice(0, path.lastIndexOf('/')) || '/');
      }
      const folder = new LogFolder(path, this.identify(path, options));
      replaceFileNow(disk, `${path}/${LOCK_FILE}`, this.incarnation);
      const brokerEpoch = readCleanShutdown(disk, `${path}/${CLEAN_SHUTDOWN_FILE}`);
      const isFirst = this.folderList.length === 0;
      this.previousBrokerEpoch = isFirst || brokerEpoch === this.previousBrokerEpoch ? brokerEpoch : undefined;
      this.folderList.push(folder);
      await this.openLogs(folder, brokerEpoch !== undefined, options);
    } catch (error) {
      if (error instanceof BrokerError && error.code === 'data.foreign') throw error;
      log.error({ folder: path, err: error }, 'log folder cannot be used');
      const known = this.folderList.find((folder) => folder.path === path);
      if (known === undefined) this.folderList.push(offlineFolder(path));
      else this.takeOffline(known, error);
    }
  }

  private removeMarker(folder: LogFolder): void {
    const { disk } = this.runtime;
    const path = `${folder.path}/${CLEAN_SHUTDOWN_FILE}`;
    if (!disk.exists(path)) return;
    disk.removeFile(path);
    disk.syncFolder(folder.path);
  }

  private identify(path: string, options: LogManagerOptions): string {
    const { disk } = this.runtime;
    const file = `${path}/${META_PROPERTIES_FILE}`;
    const known = readMetaProperties(disk, file);
    if (known !== undefined && (known.clusterId !== options.clusterId || known.nodeId !== options.nodeId)) {
      throw new BrokerError('data.foreign', 'a log folder belongs to another broker', {
        context: { path, found: known, nodeId: options.nodeId, clusterId: options.clusterId },
      });
    }
    if (known?.directoryId !== undefined) return known.directoryId;
    const chosen = path === options.folders[0] ? options.firstDirectoryId : undefined;
    const directoryId = chosen ?? randomUuid(this.runtime.random);
    const { nodeId, clusterId } = options;
    replaceFileNow(disk, file, encodeMetaProperties({ nodeId, clusterId, directoryId }));
    return directoryId;
  }

  private async openLogs(folder: LogFolder, isClean: boolean, options: LogManagerOptions): Promise<void> {
    const { disk } = this.runtime;
    const checkpoints: Checkpoints = {
      recoveryPoints: this.readCheckpoint(folder, RECOVERY_POINT_FILE),
      logStarts: this.readCheckpoint(folder, LOG_START_FILE),
      highWatermarks: this.readCheckpoint(folder, HIGH_WATERMARK_FILE),
    };
    this.cleaner.restore(this.readCheckpoint(folder, CLEANER_FILE));
    const names = disk.list(folder.path);
    const waiting: { name: string; topic: string; partition: number }[] = [];
    for (const name of names) {
      const path = `${folder.path}/${name}`;
      if (!disk.stat(path)?.isFolder) continue;
      if (name.endsWith(DELETE_FOLDER_SUFFIX)) disk.removeTree(path);
      const parsed = parsePartitionFolder(name);
      if (parsed !== undefined && parsed.topic !== KAFKA_METADATA_TOPIC) waiting.push({ name, ...parsed });
    }
    const worker = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        try {
          await this.openLog(folder, next, isClean, checkpoints, options);
        } catch (error) {
          if (isOfDisk(error)) throw error;
          this.unreadable.add(next.name);
          this.runtime.log.error({ folder: folder.path, ...next, err: error }, 'log cannot be read and stays offline');
        }
      }
    };
    await Promise.all(Array.from({ length: options.recoveryThreads ?? 4 }, worker));
  }

  private async openLog(
    logFolder: LogFolder,
    found: { readonly name: string; readonly topic: string; readonly partition: number },
    isClean: boolean,
    checkpoints: Checkpoints,
    options: LogManagerOptions,
  ): Promise<void> {
    const path = `${logFolder.path}/${found.name}`;
    const topicId = readPartitionMetadata(this.runtime.disk, `${path}/${PARTITION_METADATA_FILE}`);
    if (topicId === undefined) {
      // Created, and cut off before it had an id that lasts: no flush of it ever ended.
      this.runtime.log.warn({ path }, 'log folder without partition.metadata left alone');
      return;
    }
    const key = found.name;
    const log = await PartitionLog.open({
      context: this.context,
      topic: found.topic,
      partition: found.partition,
      topicId,
      config: options.configOf(found.topic),
      logFolder,
      path,
      isClean,
      // Files that are made anew are not what the marker vouches for, and a crash could leave half of them.
      beforeRebuild: () => this.removeMarker(logFolder),
      recoveryPoint: checkpoints.recoveryPoints.get(key) ?? 0,
      logStartOffset: checkpoints.logStarts.get(key) ?? 0,
      highWatermark: checkpoints.highWatermarks.get(key) ?? 0,
    });
    this.logs.set(key, log);
  }

  private readCheckpoint(folder: LogFolder, name: string): Map<string, number> {
    try {
      return readOffsets(this.runtime.disk, `${folder.path}/${name}`);
    } catch (error) {
      // Without it more is scanned, or less is known of what was committed; nothing is lost.
      this.runtime.log.warn({ folder: folder.path, file: name, err: error }, 'unreadable checkpoint ignored');
      return new Map();
    }
  }

  private chooseFolder(directoryId: string | undefined): LogFolder {
    const usable = this.folderList.filter((folder) => !folder.isOffline);
    if (usable.length === 1) return usable[0] as LogFolder;
    const wanted = usable.find((folder) => folder.directoryId === directoryId);
    if (wanted !== undefined) return wanted;
    const counts = new Map<LogFolder, number>(usable.map((folder) => [folder, 0]));
    for (const log of this.logs.values()) counts.set(log.logFolder, (counts.get(log.logFolder) ?? 0) + 1);
    usable.sort((left, right) => (counts.get(left) ?? 0) - (counts.get(right) ?? 0));
    const chosen = usable[0];
    if (chosen === undefined) throw new BrokerError('log.offline', 'every log folder is offline');
    return chosen;
  }

  private remove(topic: string, partition: number): PartitionLog | undefined {
    const name = partitionFolderName(topic, partition);
    const log = this.logs.get(name);
    this.logs.delete(name);
    this.cleaner.forget(name);
    return log;
  }

  private retireFolder(log: PartitionLog, suffix: string): string | undefined {
    log.abandon();
    if (!log.isOnDisk) return undefined;
    return this.renameFolder(log.logFolder, log.topic, log.partition, suffix);
  }

  private renameFolder(logFolder: LogFolder, topic: string, partition: number, suffix: string): string {
    const id = this.runtime.random.bytes(16).toString('hex');
    const path = `${logFolder.path}/${retiredFolderName(topic, partition, id, suffix)}`;
    this.runtime.disk.rename(`${logFolder.path}/${partitionFolderName(topic, partition)}`, path);
    this.runtime.disk.syncFolder(logFolder.path);
    return path;
  }

  /** A folder without a topic id: the remainder of a log whose making was cut off, unless there are records in it. */
  private clearRemainder(logFolder: LogFolder, topic: string, partition: number): void {
    const { disk, log } = this.runtime;
    const path = `${logFolder.path}/${partitionFolderName(topic, partition)}`;
    const holdsRecords = disk
      .list(path)
      .some((name) => parseFileName(name)?.kind === LOG_SUFFIX && (disk.stat(`${path}/${name}`)?.sizeBytes ?? 0) > 0);
    if (!holdsRecords) return disk.removeTree(path);
    log.warn({ topic, partition }, 'records of no known topic set aside');
    this.renameFolder(logFolder, topic, partition, STRAY_FOLDER_SUFFIX);
  }

  private removeRetired(path: string, folder: LogFolder): void {
    if (folder.isOffline || this.isClosing) return;
    try {
      this.runtime.disk.removeTree(path);
    } catch (error) {
      this.takeOffline(folder, error);
    }
  }

  private markDirty(write: () => void): void {
    assert(this.isInUse, 'a log is written to in folders that still count as cleanly closed');
    if (this.dirty.length === 0) this.runtime.clock.endOfTurn(() => this.flushEndOfTurn());
    this.dirty.push(write);
  }

  private flushEndOfTurn(): void {
    const writes = this.dirty;
    this.dirty = [];
    for (const write of writes) write();
  }

  private takeOffline(folder: LogFolder, error: unknown): void {
    if (folder.isOffline) return;
    folder.isOffline = true;
    this.runtime.log.error({ folder: folder.path, err: error }, 'log folder went offline');
    for (const log of this.logs.values()) if (log.logFolder === folder) log.abandon();
    this.onFolderOffline(folder);
  }

  private foundFull(folder: LogFolder): void {
    const { clock, disk } = this.runtime;
    const isNews = !folder.isFull(clock.monotonicMs(), disk);
    folder.foundFull(clock.monotonicMs());
    if (!isNews) return;
    this.runtime.log.error({ folder: folder.path }, 'log folder is full: others shall lead what is in it');
    this.onFolderFull(folder);
  }

  private startTasks(): void {
    const { config } = this;
    this.every(config.retentionCheckIntervalMs, async () => this.runRetention());
    this.every(config.recoveryPointCheckpointIntervalMs, () => this.checkpoint('recoveryPoints'));
    this.every(config.logStartCheckpointIntervalMs, () => this.checkpoint('logStarts'));
    this.every(config.highWatermarkCheckpointIntervalMs, () => this.checkpoint('highWatermarks'));
    this.every(config.flushSchedulerIntervalMs, () => this.flushDue());
    if (config.cleanerEnabled) {
      this.every(config.cleanerBackoffMs, async () => {
        while (!this.isClosing && (await this.runCleaner()));
        await this.checkpointCleaner();
      });
    }
  }

  private async flushDue(): Promise<void> {
    for (const log of this.logs.values()) {
      if (log.isFlushDue()) await log.flush().catch((error: unknown) => this.takeOffline(log.logFolder, error));
    }
  }

  private async checkpoint(kind: CheckpointKind): Promise<void> {
    for (const folder of this.folderList) {
      if (!folder.isOffline && this.holdsLock(folder)) await this.tryCheckpoint(folder, kind);
    }
  }

  /** A full disk is no reason to stop reading from it; the old checkpoint still holds. */
  private async tryCheckpoint(folder: LogFolder, kind: CheckpointKind): Promise<void> {
    await this.checkpoints.write(folder, kind).catch((error: unknown) => {
      this.runtime.log.warn({ folder: folder.path, kind, err: error }, 'checkpoint not written');
    });
  }

  /** Kafka leaves it to the next interval, and a kill before brings deleted records back; here it follows at once. */
  private logStartMoved(folder: LogFolder): void {
    if (this.movedStarts.has(folder)) return;
    this.movedStarts.add(folder);
    this.runtime.clock.endOfTurn(() => {
      this.movedStarts.delete(folder);
      if (!folder.isOffline && !this.isClosing) void this.tryCheckpoint(folder, 'logStarts');
    });
  }

  private async checkpointCleaner(): Promise<void> {
    for (const folder of this.folderList) {
      if (folder.isOffline) continue;
      const logs = this.checkpoints.offsetsIn(folder, (log) => log.logStartOffset);
      const entries = this.cleaner.checkpoint(logs);
      if (entries.length > 0) await this.checkpoints.replace(`${folder.path}/${CLEANER_FILE}`, () => entries);
    }
  }

  /**
   * The lock file names the incarnation that opened the folder last. A process that finds another's name there has been
   * replaced, on a volume that two pods can mount, and must not write any more.
   */
  private holdsLock(folder: LogFolder): boolean {
    const holder = readText(this.runtime.disk, `${folder.path}/${LOCK_FILE}`);
    if (holder === this.incarnation) return true;
    this.takeOffline(folder, new BrokerError('data.locked', 'another process opened this log folder'));
    return false;
  }

  private releaseLock(folder: LogFolder): void {
    const path = `${folder.path}/${LOCK_FILE}`;
    if (readText(this.runtime.disk, path) === this.incarnation) this.runtime.disk.removeFile(path);
  }

  private every(intervalMs: number, task: () => Promise<void>): void {
    const again = (): void => {
      task()
        .catch((error: unknown) => this.runtime.log.error({ err: error }, 'a background task of the log failed'))
        .finally(() => {
          if (!this.isClosing) this.every(intervalMs, task);
        });
    };
    this.later(intervalMs, again);
  }

  private later(delayMs: number, callback: () => void): void {
    const timer = this.runtime.clock.after(delayMs, () => {
      this.timers.delete(timer);
      callback();
    });
    this.timers.add(timer);
  }
}

/** True when the disk itself failed, which no other partition on it will survive either. */
export function isOfDisk(error: unknown): boolean {
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown };
  if (error instanceof BrokerError) return cause !== undefined && isOfDisk(cause);
  // Node has codes for errors of its own as well, such as ERR_OUT_OF_RANGE for a field beyond the end of a file.
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) && !FILE_ERROR_CODES.has(code);
}

function readText(disk: Disk, path: string): string | undefined {
  return disk.exists(path) ? disk.readFile(path).toString('utf8') : undefined;
}

/** Nobody knows its id: it cannot be read. */
function offlineFolder(path: string): LogFolder {
  const folder = new LogFolder(path, '');
  folder.isOffline = true;
  return folder;
}

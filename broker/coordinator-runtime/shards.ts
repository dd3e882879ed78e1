/**
 * The runtime under coordinators: state that lives in a partition of an internal topic.
 *
 * On election the partition is read from its start to its end and replayed into a fresh shard, in slices that leave the
 * loop free.
 * A write appends records as one batch, waits until the high watermark has passed them, and only then is applied: what
 * a reader sees is what survives. When the append fails nothing was applied, and the writer is told why.
 */
import {
  batchIsControl,
  batchLastOffset,
  batchSizeBytes,
  buildBatch,
  ErrorCode,
  forEachRecord,
} from '../protocol/mod.ts';
import { BrokerError, type Clock, type Logger } from '../std/mod.ts';

/** What a coordinator needs of the partition that holds its state. */
export interface CoordinatorLog {
  readonly leaderEpoch: number;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly highWatermark: number;
  /** `done` runs after the batch was written, or refused. */
  append(
    batch: Buffer,
    options: { readonly origin: 'coordinator'; readonly requiredAcks: -1 },
    done: (result: { readonly errorCode: number; readonly lastOffset: number }) => void,
  ): void;
  /**
   * `done` runs once every offset below `offset` is committed, or cannot be for now: leadership is lost, or too few
   * replicas are in sync.
   */
  awaitCommitted(offset: number, done: (errorCode: number) => void): () => void;
  /** Whole batches from `offset` up to the end of the log, committed or not yet; empty at the end. */
  read(options: { readonly offset: number; readonly maxBytes: number }): Promise<Buffer>;
}

export interface CoordinatorRecord {
  readonly key: Buffer;
  /** Null removes what the key stands for. */
  readonly value: Buffer | null;
}

/** State built from records; one per partition. */
export interface CoordinatorShard {
  replay(record: CoordinatorRecord): void;
  /** All records were replayed: timers may start. */
  loaded(): void;
  /** The partition is led elsewhere: whoever waits is told, and nothing may be written any more. */
  unloaded(): void;
}

const READ_BYTES = 1024 * 1024;
/** A slice of loading; afterwards other work of the loop gets its turn. */
const SLICE_MS = 5;
/** A partition that cannot be read is read again from its start after this time, for as long as it is led here. */
const RELOAD_MS = 1000;

type Entry<Shard> =
  | { readonly state: 'loading' }
  | { readonly state: 'active'; readonly shard: Shard; readonly log: CoordinatorLog };

export class CoordinatorRuntime<Shard extends CoordinatorShard> {
  private readonly clock: Clock;
  private readonly log: Logger;
  private readonly commitTimeoutMs: number;
  private readonly create: (partition: number) => Shard;
  private readonly entries = new Map<number, Entry<Shard>>();
  /** Tells a load that it was overtaken by another election. */
  private readonly elections = new Map<number, number>();

  constructor(options: {
    readonly clock: Clock;
    readonly log: Logger;
    /** `offsets.commit.timeout.ms`: how long a write may wait for the other replicas. */
    readonly commitTimeoutMs: number;
    readonly create: (partition: number) => Shard;
  }) {
    this.clock = options.clock;
    this.log = options.log;
    this.commitTimeoutMs = options.commitTimeoutMs;
    this.create = options.create;
  }

  /** The shard of a partition, or the error code that says why there is none here. */
  shard(partition: number): Shard | number {
    const entry = this.entries.get(partition);
    if (entry === undefined) return ErrorCode.NOT_COORDINATOR;
    return entry.state === 'active' ? entry.shard : ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
  }

  *active(): Iterable<Shard> {
    for (const entry of this.entries.values()) if (entry.state === 'active') yield entry.shard;
  }

  get isLoading(): boolean {
    for (const entry of this.entries.values()) if (entry.state === 'loading') return true;
    return false;
  }

  elected(partition: number, log: CoordinatorLog): void {
    this.resigned(partition);
    const election = (this.elections.get(partition) ?? 0) + 1;
    this.elections.set(partition, election);
    this.entries.set(partition, { state: 'loading' });
    const isCurrent = (): boolean => this.elections.get(partition) === election;
    const load = (): void => {
      this.load(partition, log, isCurrent).catch((error: unknown) => {
        if (!isCurrent()) return;
        this.log.error({ err: error, partition }, 'coordinator state could not be loaded; trying again');
        this.clock.after(RELOAD_MS, () => {
          if (isCurrent()) load();
        });
      });
    };
    load();
  }

  resigned(partition: number): void {
    const entry = this.entries.get(partition);
    this.elections.set(partition, (this.elections.get(partition) ?? 0) + 1);
    this.entries.delete(partition);
    if (entry?.state === 'active') entry.shard.unloaded();
  }

  private async load(partition: number, log: CoordinatorLog, isCurrent: () => boolean): Promise<void> {
    const startedMs = this.clock.monotonicMs();
    const shard = this.create(partition);
    let offset = log.logStartOffset;
    let records = 0;
    let sliceEndsMs = startedMs + SLICE_MS;
    // To the end, not to the high watermark: a new leader has all that was ever acknowledged, but may not have heard
    // yet that it was committed.
    const { logEndOffset } = log;
    while (offset < logEndOffset) {
      const bytes = await log.read({ offset, maxBytes: READ_BYTES });
      if (!isCurrent()) return;
      // Its start may have moved past what is read: half a state would be taken for the whole.
      if (bytes.length === 0) throw new BrokerError('log.corrupt', `nothing to read at offset ${offset}`);
      for (let at = 0; at < bytes.length; at += batchSizeBytes(bytes, at)) {
        const batch = bytes.subarray(at, at + batchSizeBytes(bytes, at));
        if (!batchIsControl(batch, 0)) {
          forEachRecord(batch, ({ key, value, offset: recordOffset }) => {
            if (key === null || recordOffset < offset) return;
            shard.replay({ key, value });
            records++;
          });
        }
        if (this.clock.monotonicMs() >= sliceEndsMs) {
          await new Promise<void>((resolve) => this.clock.after(0, resolve));
          if (!isCurrent()) return;
          sliceEndsMs = this.clock.monotonicMs() + SLICE_MS;
        }
        offset = batchLastOffset(batch, 0) + 1;
      }
    }
    // What a client is told must not be taken back, so the tail is committed before anybody sees it. With too few in-
    // sync replicas that can take for ever, while what was acknowledged is all there: then it is shown as it is.
    await new Promise<void>((resolve) => log.awaitCommitted(offset, () => resolve()));
    if (!isCurrent()) return;
    this.entries.set(partition, { state: 'active', shard, log });
    shard.loaded();
    const tookMs = Math.round(this.clock.monotonicMs() - startedMs);
    if (records > 0) this.log.info({ partition, records, tookMs }, 'coordinator state loaded');
  }

  /**
   * Writes records as one batch; `done` runs once they are committed (NONE), or are not to be waited for any longer:
   * then they may be committed later, as after every write whose outcome is unknown. Without records it runs at once.
   */
  write(partition: number, records: readonly CoordinatorRecord[], done: (errorCode: number) => void): void {
    const entry = this.entries.get(partition);
    if (entry?.state !== 'active') {
      done(ErrorCode.NOT_COORDINATOR);
      return;
    }
    if (records.length === 0) {
      done(ErrorCode.NONE);
      return;
    }
    const timestamp = this.clock.nowMs();
    const batch = buildBatch({ records: records.map(({ key, value }) => ({ timestamp, key, value })) });
    entry.log.append(batch, { origin: 'coordinator', requiredAcks: -1 }, (result) => {
      if (result.errorCode !== ErrorCode.NONE) {
        done(coordinatorError(result.errorCode));
        return;
      }
      const finish = (errorCode: number): void => {
        timer.cancel();
        const isStillOurs = this.entries.get(partition) === entry;
        done(isStillOurs ? coordinatorError(errorCode) : ErrorCode.NOT_COORDINATOR);
      };
      const timer = this.clock.after(this.commitTimeoutMs, () => {
        stopWaiting();
        finish(ErrorCode.REQUEST_TIMED_OUT);
      });
      const stopWaiting = entry.log.awaitCommitted(result.lastOffset + 1, finish);
    });
  }

  close(): void {
    for (const partition of [...this.entries.keys()]) this.resigned(partition);
  }
}

/** How a failed append of a coordinator's record looks to the client that caused it. */
export function coordinatorError(errorCode: number): number {
  switch (errorCode) {
    case ErrorCode.NONE:
      return ErrorCode.NONE;
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.NOT_ENOUGH_REPLICAS:
    case ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case ErrorCode.REQUEST_TIMED_OUT:
      return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return ErrorCode.NOT_COORDINATOR;
    default:
      return ErrorCode.UNKNOWN_SERVER_ERROR;
  }
}

/** Java's String.hashCode, which places groups and transactional ids on partitions. */
export function partitionOfKey(key: string, partitionCount: number): number {
  if (partitionCount <= 0) throw new BrokerError('config.invalid', 'an internal topic has at least one partition');
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return (hash === -(2 ** 31) ? 0 : Math.abs(hash)) % partitionCount;
}

/**
 * The active controller: whoever holds the lease, has read the log to its end and has claimed it.
 *
 * Decisions are pure functions of the image; this shell runs them one after the other and gathers what they write while
 * an append is in flight into the next batch. Nothing is answered before its batch is known to be in the log. When an
 * append conflicts or its outcome is unknown, the log itself is asked; if another wrote there, this controller is
 * deposed.
 */
import type { CoordinationStore } from '../coordination/mod.ts';
import {
  encodeBatch,
  encodeSnapshot,
  ImageBuilder,
  type MetadataImage,
  type MetadataLoader,
  type MetadataRecord,
} from '../metadata/mod.ts';
import { BrokerError, type Clock, type Logger, type Random, randomUuid } from '../std/mod.ts';
import type { Decision } from './decision.ts';

const LEASE_MS = 6000;
const LEASE_RENEW_MS = 2000;
const RETRY_MS = 200;
/** Records of one batch; about 64 KiB, which a store takes in a few milliseconds. */
const RECORDS_PER_BATCH_AIM = 1000;
/** Batches between snapshots. */
const SNAPSHOT_EVERY = 200;
/** Decisions that wait for an append. Beyond it new ones are refused: the client tries again. */
const WAITING_MAX = 10_000;

interface Waiting {
  readonly decide: (image: MetadataImage) => Decision<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Controller {
  private readonly store: CoordinationStore;
  private readonly loader: MetadataLoader;
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly log: Logger;
  private readonly nodeId: number;
  private readonly holder: string;
  private readonly waiting: Waiting[] = [];
  private controllerEpoch = 0;
  private isLeading = false;
  private hasLease = false;
  private isClosed = false;
  private isWorking = false;
  private snapshotOffset = 0;
  private becameActive: (() => void)[] = [];

  constructor(options: {
    readonly store: CoordinationStore;
    readonly loader: MetadataLoader;
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Logger;
    readonly nodeId: number;
    /** Names this broker's data, not this process: what ran on it before is gone, so the lease is still its own. */
    readonly holder: string;
  }) {
    this.store = options.store;
    this.loader = options.loader;
    this.clock = options.clock;
    this.random = options.random;
    this.log = options.log;
    this.nodeId = options.nodeId;
    this.holder = options.holder;
  }

  get isActive(): boolean {
    return this.isLeading;
  }

  get epoch(): number {
    return this.controllerEpoch;
  }

  /** Stands for election until `close`. */
  start(): void {
    const run = async (): Promise<void> => {
      if (this.isClosed) return;
      let nextMs = LEASE_RENEW_MS;
      try {
        const lease = await this.store.acquireLease(this.holder, LEASE_MS);
        this.hasLease = lease.holder === this.holder;
        if (this.isClosed) return await this.release();
        if (lease.holder !== this.holder) this.stepDown('another broker holds the lease');
        else if (!this.isLeading) await this.claim();
      } catch (error) {
        this.log.warn({ err: error }, 'the controller lease could not be renewed');
        nextMs = RETRY_MS;
      }
      this.clock.after(nextMs, () => void run());
    };
    void run();
  }

  /** Resolves once this broker is the active controller. */
  awaitActive(): Promise<void> {
    return this.isLeading ? Promise.resolve() : new Promise((resolve) => this.becameActive.push(resolve));
  }

  /** Reads the log to its end and takes the next offset: from then on no earlier controller can append. */
  private async claim(): Promise<void> {
    await this.loader.catchUp();
    const { image } = this.loader;
    const claim: MetadataRecord = {
      kind: 'RegisterController',
      controllerId: this.nodeId,
      incarnationId: randomUuid(this.random),
      zkMigrationReady: false,
      endPoints: [],
      features: [],
    };
    const controllerEpoch = image.controllerEpoch + 1;
    await this.append(image.nextOffset, encodeBatch({ controllerEpoch, records: [claim] }));
    await this.loader.catchUp();
    if (this.isClosed) return;
    this.controllerEpoch = controllerEpoch;
    this.isLeading = true;
    this.log.info({ controllerEpoch }, 'became the active controller');
    for (const callback of this.becameActive.splice(0)) callback();
    this.work();
  }

  private stepDown(reason: string): void {
    if (!this.isLeading) return;
    this.isLeading = false;
    this.log.warn({ reason, controllerEpoch: this.controllerEpoch }, 'no longer the active controller');
    for (const { reject } of this.waiting.splice(0)) reject(notController());
  }

  /**
   * Decides, writes what the decision says, and resolves with its result when all of it is in the log and published.
   * Rejects with BrokerError `store.fenced` when this broker is not, or no longer, the active controller.
   */
  submit<Result>(decide: (image: MetadataImage) => Decision<Result>): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (!this.isLeading || this.isClosed) {
        reject(notController());
        return;
      }
      if (this.waiting.length >= WAITING_MAX) {
        reject(new BrokerError('store.unavailable', 'too many changes wait for the metadata log', { retriable: true }));
        return;
      }
      this.waiting.push({ decide, resolve: resolve as (result: unknown) => void, reject });
      this.work();
    });
  }

  private work(): void {
    if (this.isWorking) return;
    this.isWorking = true;
    void this.drain().finally(() => {
      this.isWorking = false;
      if (this.waiting.length > 0 && this.isLeading) this.work();
    });
  }

  private async drain(): Promise<void> {
    while (this.waiting.length > 0 && this.isLeading) {
      const decided: { readonly item: Waiting; readonly result: unknown }[] = [];
      const records: MetadataRecord[] = [];
      const { controllerEpoch } = this;
      const base = this.loader.image;
      const builder = new ImageBuilder(base);
      let image = base;
      while (this.waiting.length > 0 && records.length < RECORDS_PER_BATCH_AIM) {
        const item = this.waiting.shift() as Waiting;
        try {
          const decision = item.decide(image);
          decided.push({ item, result: decision.result });
          if (decision.records.length === 0) continue;
          records.push(...decision.records);
          builder.apply({ controllerEpoch, records: decision.records }, base.nextOffset);
          image = builder.finish().image;
        } catch (error) {
          item.reject(error as Error);
        }
      }
      try {
        if (records.length > 0) {
          await this.append(base.nextOffset, encodeBatch({ controllerEpoch, records }));
          await this.publish();
        }
      } catch (error) {
        for (const { item } of decided) item.reject(notController(error));
        // It may have been deposed and have claimed the log anew while the append's outcome was unknown.
        if (controllerEpoch === this.controllerEpoch) this.stepDown('an append to the metadata log failed');
        return;
      }
      for (const { item, result } of decided) item.resolve(result);
      await this.snapshotIfDue();
    }
  }

  /** What is in the log is true, whether or not it can be read back at this moment: wait until it can. */
  private async publish(): Promise<void> {
    for (;;) {
      try {
        await this.loader.catchUp();
        return;
      } catch (error) {
        if (this.isClosed) throw error;
        this.log.warn({ err: error }, 'the metadata log could not be read back; trying again');
        await new Promise<void>((resolve) => this.clock.after(RETRY_MS, resolve));
      }
    }
  }

  /** Writes one batch, and does not return before it is known to be there. Throws when another wrote that offset. */
  private async append(offset: number, payload: Buffer): Promise<void> {
    for (;;) {
      try {
        await this.store.append(offset, payload);
        return;
      } catch (error) {
        const outcome = await this.outcomeOf(offset, payload);
        if (outcome === 'written') return;
        if (outcome === 'taken' || this.isClosed) throw error;
      }
      await new Promise<void>((resolve) => this.clock.after(RETRY_MS, resolve));
    }
  }

  /** Asks the log what stands at the offset: ours, another's, or nothing yet. */
  private async outcomeOf(offset: number, payload: Buffer): Promise<'written' | 'taken' | 'free' | 'unknown'> {
    try {
      const end = await this.store.end();
      // Everything below the offset was read once: a log that ends before it has lost some of that.
      if (end < offset) return 'taken';
      if (end === offset) return 'free';
      const [batch] = await this.store.read(offset, 1);
      return batch?.payload.equals(payload) === true ? 'written' : 'taken';
    } catch (error) {
      return error instanceof BrokerError && error.code === 'store.conflict' ? 'taken' : 'unknown';
    }
  }

  /** A snapshot that fails is tried again with the next batch; the log is whole without it. */
  private async snapshotIfDue(): Promise<void> {
    const { image } = this.loader;
    if (image.nextOffset - this.snapshotOffset < SNAPSHOT_EVERY) return;
    try {
      const chunks = encodeSnapshot(image);
      await this.store.writeSnapshot({ controllerEpoch: this.controllerEpoch, offset: image.nextOffset, chunks });
      // The batches since the previous snapshot stay, so that a reader that is a little behind need not start over.
      await this.store.trim(this.snapshotOffset);
      this.snapshotOffset = image.nextOffset;
    } catch (error) {
      this.log.warn({ err: error }, 'the metadata snapshot could not be written');
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.stepDown('the broker shuts down');
    await this.release();
  }

  /** So that the next controller need not wait for the lease to run out; it does when this fails. */
  private async release(): Promise<void> {
    if (!this.hasLease) return;
    this.hasLease = false;
    await this.store.releaseLease(this.holder).catch(() => {});
  }
}

function notController(cause?: unknown): BrokerError {
  return new BrokerError('store.fenced', 'this broker is not the active controller', { retriable: true, cause });
}

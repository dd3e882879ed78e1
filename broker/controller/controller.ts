/**
 * The active controller: whoever holds the lease, has read the log to its end and has claimed it.
 *
 * Decisions are pure functions of the image; this shell runs them one after the other and gathers what they write while
 * an append is in flight into the next batch. Nothing is answered before its batch is known to be in the log. The lease
 * only says who should try: a claim takes the next offset, and from then on no earlier controller can append.
 */
import type { CoordinationStore, Lease } from '../coordination/mod.ts';
import {
  type EndpointImage,
  encodeBatch,
  ImageBuilder,
  type MetadataImage,
  type MetadataLoader,
  type MetadataPosition,
  type MetadataRecord,
  relateToHistory,
} from '../metadata/mod.ts';
import { BrokerError, type Clock, type Logger, type Random, randomUuid } from '../std/mod.ts';
import type { Decision } from './decision.ts';
import { firstFeatures } from './features.ts';
import { BatchGatherer, LogWriter, RETRY_MS } from './log-writer.ts';
import { findUncleanElections, type UncleanElection } from './unclean-elections.ts';

const LEASE_MS = 6000;
const LEASE_RENEW_MS = 2000;
/** Decisions that wait for an append. Beyond it new ones are refused: the client tries again. */
const WAITING_MAX = 10_000;
/** Unclean elections of one batch that are named in the log. The rest is counted. */
const NAMED_ELECTIONS_MAX = 100;

/**
 * Names a broker's data, not its process: what ran on it before is gone, so the lease is still its own. Another process
 * under the same id, on data of its own, is somebody else.
 */
const holderOf = (nodeId: number, directoryId: string): string => `broker-${nodeId}/${directoryId}`;
const isHeldBy = ({ holder }: Lease, nodeId: number): boolean => holder.startsWith(`broker-${nodeId}/`);

interface Waiting {
  readonly decide: (image: MetadataImage) => Decision<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

export interface ControllerOptions {
  readonly store: CoordinationStore;
  readonly loader: MetadataLoader;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly nodeId: number;
  /** Of this broker's first log folder. */
  readonly directoryId: string;
  /** Names the cluster when this controller is the first that its log ever had. */
  readonly clusterId: string;
  /** What the log must say before anything is decided on it, and does not say yet: written with the claim. */
  readonly missingRecords?: (image: MetadataImage) => readonly MetadataRecord[];
  /** What other brokers have read of the log, as far as it can be learned soon. */
  readonly peerPositions?: () => Promise<readonly { readonly position: MetadataPosition }[]>;
  /** Batches between snapshots of the metadata. */
  readonly snapshotEvery?: number;
  /** Where brokers reach this controller. */
  readonly endpoints: () => readonly EndpointImage[];
}

export class Controller {
  private readonly options: ControllerOptions;
  private readonly holder: string;
  private readonly writer: LogWriter;
  private readonly waiting: Waiting[] = [];
  /** Admin changes that wait until the store may be written to again. They then go together. */
  private readonly postponed: Waiting[] = [];
  private readonly activeListeners: ((predecessorId: number) => void)[] = [];
  private controllerEpoch = 0;
  private uncleanElectionCount = 0;
  private isLeading = false;
  private lease: Lease | undefined;
  private isClosed = false;
  private isWorking = false;
  private isStanding = false;
  /** When the lease was last known to be this broker's. */
  private heldMs = Number.NEGATIVE_INFINITY;
  /** Of the log under which a broker was found to know more than the store; -1 when none was. */
  private barredEpoch = -1;
  private becameActive: (() => void)[] = [];

  constructor(options: ControllerOptions) {
    this.options = options;
    this.holder = holderOf(options.nodeId, options.directoryId);
    this.writer = new LogWriter(options);
  }

  /** Not any more when the log says that another claimed it, whether or not this one has drawn its consequences. */
  get isActive(): boolean {
    return this.isLeading && this.options.loader.image.controllerEpoch === this.controllerEpoch;
  }

  get epoch(): number {
    return this.controllerEpoch;
  }

  /** Leaders elected here that may lack records. */
  get uncleanElections(): number {
    return this.uncleanElectionCount;
  }

  /** Calls `listener` every time this broker becomes the active controller, with the one that claimed before it. */
  onActive(listener: (predecessorId: number) => void): void {
    this.activeListeners.push(listener);
  }

  /**
   * Whether the log holds all that another broker has read. Where it does not, the store was put back to an earlier
   * time, and whatever was decided on what it says would undo what was promised: this controller stands down, and
   * decides nothing until the store is mended.
   */
  async agreesWith(position: MetadataPosition): Promise<boolean> {
    const { loader } = this.options;
    let relation = relateToHistory(loader.image, position);
    if (relation === 'ahead') {
      await loader.catchUp();
      relation = relateToHistory(loader.image, position);
    }
    if (relation !== 'ahead' && relation !== 'apart') return true;
    const what = relation === 'ahead' ? 'more of the log than the store holds' : 'another log than the store holds';
    this.standDown(`a broker has read ${what}, up to offset ${position.nextOffset}`);
    return false;
  }

  /** Stands for election until `close`. */
  start(): void {
    const run = async (): Promise<void> => {
      if (this.isClosed) return;
      const isSettled = await this.stand();
      this.options.clock.after(isSettled ? LEASE_RENEW_MS : RETRY_MS, () => void run());
    };
    void run();
  }

  /**
   * The process that holds the lease is known to be gone (its address refuses connections), so nobody has to wait for
   * the lease to run out. Should it be alive after all, its next append fails, as any deposed controller's. Who took
   * the lease from it a moment ago keeps it.
   */
  async takeOver(from: number): Promise<void> {
    const { store, loader, log } = this.options;
    if (this.isLeading || this.isClosed || loader.image.controllerId !== from) return;
    try {
      const current = await store.leases.read();
      if (current !== undefined && isHeldBy(current, from)) await store.leases.take(this.holder, LEASE_MS, current);
      else if (current !== undefined && current.holder !== '') return;
    } catch (error) {
      log.warn({ err: error, from }, 'the lease of a controller that is gone could not be taken over');
      return;
    }
    await this.stand();
  }

  /** Takes or renews the lease, and claims the log when that is news. False when it should be tried again soon. */
  private async stand(): Promise<boolean> {
    if (this.isStanding) return true;
    this.isStanding = true;
    const { holder } = this;
    const { store, loader, log, clock } = this.options;
    if (loader.image.controllerEpoch > this.controllerEpoch) this.stepDown('another broker claimed the log');
    try {
      const askedMs = clock.monotonicMs();
      const lease = await store.leases.acquire(holder, LEASE_MS);
      this.lease = lease.holder === holder ? lease : undefined;
      if (this.lease !== undefined) this.heldMs = askedMs;
      if (this.isClosed) await this.release();
      else if (this.lease === undefined) this.stepDown('another broker holds the lease');
      else if (!this.isLeading) await this.claim();
      return true;
    } catch (error) {
      log.warn({ err: error }, 'the controller lease could not be renewed');
      // Somebody else may hold it by now. Brokers that hear nothing from here look for them.
      if (clock.monotonicMs() - this.heldMs >= LEASE_MS) this.stepDown('its lease ran out');
      return false;
    } finally {
      this.isStanding = false;
    }
  }

  /** Resolves once this broker is the active controller. */
  awaitActive(): Promise<void> {
    return this.isLeading ? Promise.resolve() : new Promise((resolve) => this.becameActive.push(resolve));
  }

  /** Reads the log to its end and takes the next offset: from then on no earlier controller can append. */
  private async claim(): Promise<void> {
    const { loader, nodeId, random, clusterId, endpoints, log } = this.options;
    await loader.catchUp();
    await this.writer.start();
    if (this.writer.snapshotEnd > loader.image.nextOffset) {
      const problem = 'the snapshot is ahead of the metadata log: a restore has not ended';
      throw new BrokerError('store.unavailable', problem, { retriable: true });
    }
    for (const { position } of (await this.options.peerPositions?.()) ?? []) {
      if (!(await this.agreesWith(position))) return;
    }
    const { image } = loader;
    if (image.controllerEpoch === this.barredEpoch) return;
    const controllerEpoch = image.controllerEpoch + 1;
    const records: MetadataRecord[] = [
      {
        kind: 'RegisterController',
        controllerId: nodeId,
        incarnationId: randomUuid(random),
        zkMigrationReady: false,
        endPoints: endpoints().map((endpoint) => ({ ...endpoint, securityProtocol: 0 })),
        features: [],
      },
    ];
    if (image.clusterId === '') records.push({ kind: 'Cluster', clusterId }, ...firstFeatures());
    records.push(...(this.options.missingRecords?.(image) ?? []));
    await this.writer.append(image.nextOffset, encodeBatch({ controllerEpoch, records }), image);
    await loader.catchUp();
    if (this.isClosed) return;
    this.controllerEpoch = controllerEpoch;
    this.isLeading = true;
    log.info({ controllerEpoch }, 'became the active controller');
    for (const listener of this.activeListeners) listener(image.controllerId);
    for (const callback of this.becameActive.splice(0)) callback();
    this.work();
  }

  private standDown(reason: string): void {
    if (this.barredEpoch === this.options.loader.image.controllerEpoch) return;
    this.barredEpoch = this.options.loader.image.controllerEpoch;
    this.options.log.error({ reason, controllerEpoch: this.barredEpoch }, 'this controller may not lead');
    this.stepDown(reason);
  }

  private stepDown(reason: string): void {
    if (!this.isLeading) return;
    this.isLeading = false;
    this.options.log.warn({ reason, controllerEpoch: this.controllerEpoch }, 'no longer the active controller');
    for (const { reject } of [...this.waiting.splice(0), ...this.postponed.splice(0)]) reject(notController());
  }

  /**
   * Decides, writes what the decision says, and resolves with its result when all of it is in the log and published.
   * Rejects with BrokerError `store.fenced` when this broker is not, or no longer, the active controller. What keeps
   * the cluster alive is written at once; an `admin` change waits while the store's write budget is used up.
   */
  submit<Result>(
    decide: (image: MetadataImage) => Decision<Result>,
    urgency: 'at once' | 'admin' = 'at once',
  ): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (!this.isLeading || this.isClosed) {
        reject(notController());
        return;
      }
      if (this.waiting.length + this.postponed.length >= WAITING_MAX) {
        reject(new BrokerError('store.unavailable', 'too many changes wait for the metadata log', { retriable: true }));
        return;
      }
      const item = { decide, resolve: resolve as (result: unknown) => void, reject };
      const waitMs = urgency === 'admin' ? this.options.store.writeBudget.waitMs('admin') : 0;
      if (waitMs > 0) this.postpone(item, waitMs);
      else {
        this.waiting.push(item);
        this.work();
      }
    });
  }

  private postpone(item: Waiting, waitMs: number): void {
    if (this.postponed.push(item) > 1) return;
    this.options.log.warn({ waitMs }, 'the write budget of the store is used up; admin changes wait');
    const resume = (): void => {
      const stillMs = this.options.store.writeBudget.waitMs('admin');
      if (stillMs > 0 && this.postponed.length > 0) return void this.options.clock.after(stillMs, resume);
      this.waiting.push(...this.postponed.splice(0));
      this.work();
    };
    this.options.clock.after(waitMs, resume);
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
      const { controllerEpoch } = this;
      const { loader } = this.options;
      // Whoever claimed the log since decides now: what is appended behind that claim would be decided twice.
      if (loader.image.controllerEpoch !== controllerEpoch) return this.stepDown('another broker claimed the log');
      const before = loader.image;
      let offset = before.nextOffset;
      const { gatherer, decided } = this.gather(before);
      try {
        const payloads = gatherer.records.length > 0 ? gatherer.payloads(controllerEpoch) : [];
        if (payloads.length > 1) await this.writer.makeRoom(loader.image);
        for (const payload of payloads) {
          await this.writer.append(offset++, payload, loader.image);
          await this.publish();
        }
      } catch (error) {
        for (const { item } of decided) item.reject(notController(error));
        // It may have been deposed and have claimed the log anew while the append's outcome was unknown.
        if (controllerEpoch === this.controllerEpoch) this.stepDown('an append to the metadata log failed');
        return;
      }
      for (const { item, result } of decided) item.resolve(result);
      this.announce(findUncleanElections(gatherer.records, before, loader.image));
      await this.writer.snapshotIfDue(loader.image);
    }
  }

  private announce(elections: readonly UncleanElection[]): void {
    const { log } = this.options;
    this.uncleanElectionCount += elections.length;
    for (const election of elections.slice(0, NAMED_ELECTIONS_MAX)) {
      log.warn(election, 'a leader that may lack records was elected: nobody else was left');
    }
    const unnamed = elections.length - NAMED_ELECTIONS_MAX;
    if (unnamed > 0)
      log.warn({ partitions: unnamed }, 'leaders that may lack records were elected for more partitions');
  }

  /** Runs decisions, each on the image that the ones before it lead to, until the batch is full. */
  private gather(base: MetadataImage): {
    gatherer: BatchGatherer;
    decided: { readonly item: Waiting; readonly result: unknown }[];
  } {
    const { controllerEpoch } = this;
    const decided: { readonly item: Waiting; readonly result: unknown }[] = [];
    const gatherer = new BatchGatherer();
    const builder = new ImageBuilder(base);
    let image = base;
    while (this.waiting.length > 0 && !gatherer.isFull) {
      const item = this.waiting.shift() as Waiting;
      try {
        const { records, result, isPartial } = item.decide(image);
        if (records.length > 0) {
          gatherer.add(records);
          builder.apply({ controllerEpoch, records }, base.nextOffset);
          image = builder.finish().image;
        }
        if (isPartial === true) {
          // The rest is decided on what the log says then; what waits behind it may go first.
          this.waiting.unshift(item);
          break;
        }
        decided.push({ item, result });
      } catch (error) {
        item.reject(error as Error);
      }
    }
    return { gatherer, decided };
  }

  /** What is in the log is true, whether or not it can be read back at this moment: wait until it can, or is lost. */
  private async publish(): Promise<void> {
    for (;;) {
      try {
        await this.options.loader.catchUp();
        return;
      } catch (error) {
        // A store that went back has lost it again, and nobody knows of it but this process.
        const isLost = error instanceof BrokerError && error.code === 'store.wentBack';
        if (this.isClosed || isLost) throw error;
        this.options.log.warn({ err: error }, 'the metadata log could not be read back; trying again');
        await this.writer.pause();
      }
    }
  }

  async close(): Promise<void> {
    this.abandon();
    await this.release();
  }

  /** Decides nothing any more, and leaves the lease to whoever holds it. */
  abandon(): void {
    this.isClosed = true;
    this.writer.close();
    this.stepDown('the broker shuts down');
  }

  /** So that the next controller need not wait for the lease to run out; it does when this fails. */
  private async release(): Promise<void> {
    if (this.lease === undefined) return;
    this.lease = undefined;
    await this.options.store.leases.release(this.holder).catch(() => {});
  }
}

function notController(cause?: unknown): BrokerError {
  return new BrokerError('store.fenced', 'this broker is not the active controller', { retriable: true, cause });
}

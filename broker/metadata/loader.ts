/**
 * Follows the metadata log: applies each batch in order, only offset + 1, and hands every new image to the rooms that
 * act on it, one after the other, before the next.
 *
 * Every look begins with the last batch it knows. A store that lost that batch, or holds another in its place, was put
 * back to an earlier time: what it says now would undo what was promised to clients, so nothing of it is applied. Where
 * that batch was trimmed, the terms in the snapshot that allowed it tell the same.
 */
import type { CoordinationStore, Snapshot, StoredBatch } from '../coordination/mod.ts';
import { BrokerError, type Clock, type Logger } from '../std/mod.ts';
import { ChangeFeed } from './change-feed.ts';
import { type HistoryRelation, isPassedOver, positionOf, relateToHistory } from './history.ts';
import { EMPTY_IMAGE, ImageBuilder, type MetadataDelta, type MetadataImage } from './image.ts';
import type { LocalCopy } from './local-copy.ts';
import { decodeBatch, type MetadataBatch } from './records.ts';
import { decodeSnapshot } from './snapshot.ts';

const BATCHES_PER_READ = 100;
/** A watch can go silent without a sign; a look at the end this often bounds how long that goes unseen. */
const LOOK_EVERY_MS = 1000;
const RETRY_MS = 50;

/**
 * One that throws gets the same image again before anybody gets a later one, so it must be able to start over: an image
 * that a room never heard of would leave it wrong for good.
 */
export type MetadataListener = (image: MetadataImage, delta: MetadataDelta) => void | Promise<void>;

export class MetadataLoader {
  /** Who asked for what, of the newest batches. */
  readonly changes = new ChangeFeed();
  private readonly store: CoordinationStore;
  private readonly clock: Clock;
  private readonly log: Logger;
  private readonly localCopy: LocalCopy | undefined;
  private readonly listeners: MetadataListener[] = [];
  /** Listeners that have not heard of any image yet: to them everything is new. */
  private readonly newcomers: { readonly listener: MetadataListener; readonly attached: () => void }[] = [];
  private published: MetadataImage = EMPTY_IMAGE;
  private running: Promise<void> | undefined;
  private next: Promise<void> | undefined;
  /** Resolves `imageComes`, which all share who wait for any image after this one. */
  private imageArrived: (() => void) | undefined;
  private imageComes: Promise<void> | undefined;
  private stopWatching: (() => void) | undefined;
  private isClosed = false;
  private lastReadMs = 0;
  private lastProblem: string | undefined;
  private hasReachedEnd = false;
  /** The batch before `published.nextOffset`; undefined at the start of the log and after a snapshot. */
  private lastPayload: Buffer | undefined;
  /** Whether anybody is attached: they act on images, while subscribers only hear that there is a newer one. */
  private hasActors = false;
  /** The image that has been acted on: the own copy says this, so that after a kill the rest is acted on as well. */
  private known: MetadataImage = EMPTY_IMAGE;
  /** False once a snapshot that may come of another log took the place of what newcomers have not heard of yet. */
  private isCertain = true;
  /** An image that some listeners have not heard of yet, and the first of them. */
  private undelivered:
    | { readonly image: MetadataImage; readonly delta: MetadataDelta; readonly remember: () => void; next: number }
    | undefined;

  constructor(options: {
    readonly store: CoordinationStore;
    readonly clock: Clock;
    readonly log: Logger;
    /** Where this broker keeps what it read, so that it notices after a restart when the store went back. */
    readonly localCopy?: LocalCopy;
  }) {
    this.store = options.store;
    this.clock = options.clock;
    this.log = options.log;
    this.localCopy = options.localCopy;
    const known = options.localCopy?.read();
    if (known === undefined) return;
    this.published = known.image;
    this.known = known.image;
    this.lastPayload = known.lastPayload;
    this.changes.skipTo(known.image.nextOffset);
  }

  get image(): MetadataImage {
    return this.published;
  }

  /** What was acted on last; before anybody is attached, what a process before this one acted on. */
  get actedOn(): MetadataImage {
    return this.known;
  }

  /** Whether the store was found to have been put back to an earlier time. */
  get storeWentBack(): boolean {
    return this.lastProblem === 'store.wentBack';
  }

  /** When the store last answered, on the monotonic clock. */
  get readMs(): number {
    return this.lastReadMs;
  }

  /** Whether the end of the log was reached once. */
  get isAtEnd(): boolean {
    return this.hasReachedEnd;
  }

  /** Called with every image from now on, in the order of subscription; see `attach` for who puts it into effect. */
  subscribe(listener: MetadataListener): void {
    this.listeners.push(listener);
  }

  /** Tells the listener of the image as it is, all of it as news, and of every later one; returns after the first. */
  async attach(listener: MetadataListener): Promise<void> {
    let isAttached = false;
    this.newcomers.push({
      listener,
      attached: () => {
        isAttached = true;
      },
    });
    while (!isAttached) {
      this.checkOpen();
      await this.catchUp().catch((error: unknown) => this.unreadable(error));
      if (!isAttached) await new Promise<void>((resolve) => this.clock.after(RETRY_MS, resolve));
    }
  }

  /** Resolves with the first image that `matches` accepts, once every listener knows of it. */
  async until(matches: (image: MetadataImage) => boolean): Promise<MetadataImage> {
    while (!matches(this.published) || this.undelivered !== undefined) {
      this.checkOpen();
      const moved = this.nextImage();
      await this.catchUp().catch((error: unknown) => this.unreadable(error));
      if (matches(this.published) && this.undelivered === undefined) break;
      const pause = new Promise<void>((resolve) => this.clock.after(RETRY_MS, resolve));
      await Promise.race([moved, pause]);
    }
    return this.published;
  }

  /** Follows the log until `close`. */
  start(): void {
    this.stopWatching = this.store.watch(() => this.lookLater());
    const look = (): void => {
      if (this.isClosed) return;
      this.lookLater();
      this.clock.after(LOOK_EVERY_MS, look);
    };
    look();
  }

  /** Whoever waits for an image need not wait for ever. */
  private checkOpen(): void {
    if (this.isClosed) throw new BrokerError('net.closed', 'the broker shuts down');
  }

  private nextImage(): Promise<void> {
    if (this.imageArrived === undefined || this.imageComes === undefined) {
      this.imageComes = new Promise<void>((resolve) => {
        this.imageArrived = resolve;
      });
    }
    return this.imageComes;
  }

  private lookLater(): void {
    this.catchUp().catch((error: unknown) => this.unreadable(error));
  }

  /** Says once what is wrong, and again when something else is: a store may be away for long, and is asked often. */
  private unreadable(error: unknown): void {
    const code = error instanceof BrokerError ? error.code : 'unknown';
    if (this.lastProblem === code) return;
    this.lastProblem = code;
    if (code === 'store.wentBack') {
      this.log.error({ err: error }, 'the metadata store went back in time; nothing of it is applied');
    } else this.log.warn({ err: error }, 'the metadata log could not be followed; trying again');
  }

  /** Reads to the end of the log as it is now, and returns when all of it has been published. */
  catchUp(): Promise<void> {
    if (this.running === undefined) {
      this.running = this.run();
      return this.running;
    }
    // The run under way may be past what this caller asks for. The next one is for all who ask meanwhile, and for
    // nobody who asks later: else who asks while others keep asking would wait for ever.
    this.next ??= this.running
      .catch(() => {})
      .then(() => {
        this.next = undefined;
        return this.catchUp();
      });
    return this.next;
  }

  private async run(): Promise<void> {
    try {
      while (await this.readSome());
    } finally {
      this.running = undefined;
    }
  }

  /** Applies what one read gives; false at the end of the log. */
  private async readSome(): Promise<boolean> {
    const hasMore = await this.readNext();
    this.lastProblem = undefined;
    this.lastReadMs = this.clock.monotonicMs();
    return hasMore;
  }

  private async readNext(): Promise<boolean> {
    await this.deliver();
    const batches = await this.readFrom(this.published.nextOffset);
    if (batches === undefined) await this.loadSnapshot();
    else if (batches.length > 0) await this.applyAll(batches);
    else this.hasReachedEnd = true;
    return batches?.length !== 0;
  }

  private async applyAll(batches: readonly StoredBatch[]): Promise<void> {
    const decoded = batches.map(({ offset, payload }) => ({ offset, payload, batch: decodeBatch(payload) }));
    // A restore says what counts up to where it lets the log go on, whatever else may still stand there.
    if (decoded.some(({ batch }) => isGivenUp(batch))) return this.loadSnapshot();
    const builder = new ImageBuilder(this.published);
    for (const { offset, batch } of decoded) {
      this.changes.take(offset, batch.records, builder.finish().image);
      builder.apply(batch, offset);
    }
    const lastPayload = decoded.at(-1)?.payload;
    this.lastPayload = lastPayload;
    const { image, delta } = builder.finish();
    await this.publish(image, delta, () => this.localCopy?.add(batches, { image, lastPayload }));
  }

  /**
   * Reads on from `nextOffset`, having seen that what comes before it is still what it was; undefined where only the
   * snapshot tells how it goes on.
   */
  private async readFrom(nextOffset: number): Promise<readonly StoredBatch[] | undefined> {
    const known = this.lastPayload === undefined ? undefined : await this.readUntrimmed(nextOffset - 1);
    if (known !== undefined) {
      const [last, ...batches] = known;
      if (last === undefined) throw wentBack('ends before', nextOffset);
      if (this.lastPayload?.equals(last.payload) === true) return batches;
      if (await this.wasPassedOver()) return undefined;
      throw wentBack('differs from', nextOffset);
    }
    // What was read last is gone from the log. What follows it may still be there.
    const batches = await this.readUntrimmed(nextOffset);
    if (batches?.length === 0) {
      if ((await this.store.end()) < nextOffset) throw wentBack('ends before', nextOffset);
      return batches;
    }
    return (await this.wasPassedOver()) ? undefined : batches;
  }

  private async readUntrimmed(offset: number): Promise<readonly StoredBatch[] | undefined> {
    try {
      return await this.store.read(offset, BATCHES_PER_READ);
    } catch (error) {
      if (error instanceof BrokerError && error.code === 'store.conflict') return undefined;
      throw error;
    }
  }

  /** Whether a restore said how the log goes on; throws where none did and the snapshot comes of another log. */
  private async wasPassedOver(): Promise<boolean> {
    if (this.published.nextOffset === 0) return false;
    const snapshot = await this.store.readSnapshot();
    if (snapshot === undefined) return false;
    const image = imageOf(snapshot);
    this.relate(image);
    return isPassedOver(image.terms, positionOf(this.published));
  }

  /** How what was read so far relates to the history that a snapshot comes of. */
  private relate(image: MetadataImage): HistoryRelation {
    const relation = relateToHistory(image, positionOf(this.published));
    if (relation === 'apart') throw wentBack('differs from', this.published.nextOffset);
    return relation;
  }

  /** The log was trimmed past us: the snapshot that allowed it takes the place of what we missed. */
  private async loadSnapshot(): Promise<void> {
    const replaced = this.published;
    const snapshot = await this.store.readSnapshot();
    if (snapshot === undefined || snapshot.offset <= replaced.nextOffset) {
      throw new BrokerError('store.unavailable', 'the metadata log was trimmed, but no snapshot covers the gap', {
        retriable: true,
        context: { nextOffset: replaced.nextOffset, snapshot: snapshot?.offset },
      });
    }
    if (snapshot.controllerEpoch < replaced.controllerEpoch) throw wentBack('differs from', replaced.nextOffset);
    const image = imageOf(snapshot);
    const isCertain = this.relate(image) === 'same';
    if (!isCertain) {
      this.isCertain = false;
      const fields = { nextOffset: replaced.nextOffset, snapshot: snapshot.offset };
      this.log.warn(fields, 'a snapshot may come of another log than the one read so far; nothing is deleted for it');
    }
    this.lastPayload = undefined;
    this.changes.skipTo(snapshot.offset);
    const delta = sinceReplaced(replaced, image, isCertain);
    await this.publish(image, delta, () => this.localCopy?.replace({ image, lastPayload: undefined }));
  }

  private async publish(image: MetadataImage, delta: MetadataDelta, remember: () => void): Promise<void> {
    this.published = image;
    this.undelivered = { image, delta, remember, next: 0 };
    await this.deliver();
  }

  /** Hands the image out, going on where a listener failed before. */
  private async deliver(): Promise<void> {
    const { undelivered } = this;
    if (undelivered !== undefined) {
      for (; undelivered.next < this.listeners.length; undelivered.next++) {
        await this.listeners[undelivered.next]?.(undelivered.image, undelivered.delta);
      }
      this.undelivered = undefined;
      if (this.hasActors) {
        this.known = undelivered.image;
        undelivered.remember();
      }
      this.imageArrived?.();
      this.imageArrived = undefined;
    }
    for (let next = this.newcomers[0]; next !== undefined; next = this.newcomers[0]) {
      const { published: image, lastPayload } = this;
      await next.listener(image, wholeDelta(image, this.isCertain));
      this.newcomers.shift();
      this.listeners.push(next.listener);
      this.hasActors = true;
      this.known = image;
      this.isCertain = true;
      this.localCopy?.replace({ image, lastPayload });
      next.attached();
    }
  }

  close(): void {
    this.isClosed = true;
    this.stopWatching?.();
    this.localCopy?.close();
  }
}

function imageOf({ chunks, offset }: Snapshot): MetadataImage {
  const builder = new ImageBuilder(EMPTY_IMAGE);
  for (const batch of decodeSnapshot(chunks)) builder.apply(batch, offset - 1);
  return builder.finish().image;
}

function isGivenUp({ records }: MetadataBatch): boolean {
  return records.some(({ kind }) => kind === 'GivenUp');
}

function wholeDelta(image: MetadataImage, isCertain: boolean): MetadataDelta {
  return {
    changedTopics: new Set(image.topicsByName.keys()),
    removedTopics: [],
    changedConfigs: new Set(image.configs.keys()),
    hasBrokerChanges: true,
    isCertain,
  };
}

/** A snapshot says what is there, never what is gone: that is found by looking at what was there before. */
function sinceReplaced(replaced: MetadataImage, image: MetadataImage, isCertain: boolean): MetadataDelta {
  return {
    changedTopics: new Set(image.topicsByName.keys()),
    removedTopics: [...replaced.topicsById.values()].filter(({ id }) => !image.topicsById.has(id)),
    changedConfigs: new Set([...replaced.configs.keys(), ...image.configs.keys()]),
    hasBrokerChanges: true,
    isCertain,
  };
}

function wentBack(how: 'ends before' | 'differs from', nextOffset: number): BrokerError {
  return new BrokerError('store.wentBack', `the metadata log in the store ${how} what was read from it`, {
    context: { nextOffset },
  });
}

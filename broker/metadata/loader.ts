/**
 * Follows the metadata log: applies each batch in order, only offset + 1, and hands every new image to the rooms that
 * act on it, one after the other, before the next.
 */
import type { CoordinationStore } from '../coordination/mod.ts';
import { BrokerError, type Clock, type Logger } from '../std/mod.ts';
import { EMPTY_IMAGE, ImageBuilder, type MetadataDelta, type MetadataImage } from './image.ts';
import { decodeBatch } from './records.ts';
import { decodeSnapshot } from './snapshot.ts';

const BATCHES_PER_READ = 100;
/** A watch can go silent without a sign; a look at the end this often bounds how long that goes unseen. */
const LOOK_EVERY_MS = 1000;

export type MetadataListener = (image: MetadataImage, delta: MetadataDelta) => void | Promise<void>;

export class MetadataLoader {
  private readonly store: CoordinationStore;
  private readonly clock: Clock;
  private readonly log: Logger;
  private readonly listeners: MetadataListener[] = [];
  private published: MetadataImage = EMPTY_IMAGE;
  private running: Promise<void> | undefined;
  private mustLookAgain = false;
  private stopWatching: (() => void) | undefined;
  private isClosed = false;

  constructor(options: { readonly store: CoordinationStore; readonly clock: Clock; readonly log: Logger }) {
    this.store = options.store;
    this.clock = options.clock;
    this.log = options.log;
  }

  get image(): MetadataImage {
    return this.published;
  }

  /** Called with every image from now on, in the order of subscription. */
  subscribe(listener: MetadataListener): void {
    this.listeners.push(listener);
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

  private lookLater(): void {
    this.catchUp().catch((error: unknown) => {
      this.log.warn({ err: error }, 'the metadata log could not be read; trying again');
    });
  }

  /** Reads to the end of the log as it is now, and returns when all of it has been published. */
  async catchUp(): Promise<void> {
    if (this.running !== undefined) {
      this.mustLookAgain = true;
      await this.running;
      return;
    }
    this.running = this.run();
    await this.running;
  }

  private async run(): Promise<void> {
    try {
      do {
        this.mustLookAgain = false;
        while (await this.readSome());
      } while (this.mustLookAgain);
    } finally {
      // In the same step as the last look at the flag: a caller that comes a microtask later must start a run of its
      // own, not wait for one that has stopped looking.
      this.running = undefined;
    }
  }

  /** Applies what one read gives; false at the end of the log. */
  private async readSome(): Promise<boolean> {
    let batches: Awaited<ReturnType<CoordinationStore['read']>>;
    try {
      batches = await this.store.read(this.published.nextOffset, BATCHES_PER_READ);
    } catch (error) {
      if (!(error instanceof BrokerError) || error.code !== 'store.conflict') throw error;
      await this.loadSnapshot();
      return true;
    }
    if (batches.length === 0) return false;
    const builder = new ImageBuilder(this.published);
    for (const { offset, payload } of batches) builder.apply(decodeBatch(payload), offset);
    await this.publish(builder);
    return true;
  }

  /** The log was trimmed past us: the snapshot that allowed it takes the place of what we missed. */
  private async loadSnapshot(): Promise<void> {
    const snapshot = await this.store.readSnapshot();
    if (snapshot === undefined || snapshot.offset <= this.published.nextOffset) {
      throw new BrokerError('store.unavailable', 'the metadata log was trimmed, but no snapshot covers the gap', {
        retriable: true,
        context: { nextOffset: this.published.nextOffset, snapshot: snapshot?.offset },
      });
    }
    const builder = new ImageBuilder(EMPTY_IMAGE);
    for (const batch of decodeSnapshot(snapshot.chunks)) builder.apply(batch, snapshot.offset - 1);
    await this.publish(builder, this.published);
  }

  private async publish(builder: ImageBuilder, replaced?: MetadataImage): Promise<void> {
    const { image, delta } = builder.finish();
    // Coming from a snapshot, a topic that is not in it was removed without our seeing the record.
    const removedTopics =
      replaced === undefined
        ? delta.removedTopics
        : [...replaced.topicsById.values()].filter(({ id }) => !image.topicsById.has(id));
    this.published = image;
    for (const listener of this.listeners) await listener(image, { ...delta, removedTopics });
  }

  close(): void {
    this.isClosed = true;
    this.stopWatching?.();
  }
}

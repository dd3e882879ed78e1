/**
 * The store in the Kubernetes API, where the cluster keeps its truth already: a Lease, a ring of 256 slots for batches,
 * and snapshots, as objects of our own kinds in one namespace.
 *
 * Batch N takes the place of batch N - 256 in its slot, by an update that names the version at which this store saw N -
 * 256 there, and only once a snapshot covers that. While the ring is young the slot is created. No object is deleted,
 * so no name opens twice, and a writer that slept through anything finds another version and writes nothing. An append
 * looks at the batch before it and at its slot, past every cache, and then writes once; nothing is remembered from one
 * call to the next, because the API server may have been put back to an earlier time in between.
 */
import type { Clock, Random } from '../../std/mod.ts';
import { LeaseElection } from '../lease-election.ts';
import {
  type CoordinationStore,
  checkBatchSize,
  offsetConflict,
  type Snapshot,
  type StoredBatch,
  snapshotMissing,
} from '../store.ts';
import { WRITE_BUDGET_BYTES, WRITE_BUDGET_WINDOW_MS, WriteBudget } from '../write-budget.ts';
import type { ApiObject, KubernetesApi } from './api.ts';
import { leaseOf, leaseRegister } from './lease-object.ts';
import { ObjectWatch } from './object-watch.ts';
import { type BatchSummary, type LeaseObject, LogObjects, offsetOf, SLOTS, type Slot } from './objects.ts';
import { SnapshotObjects } from './snapshot-objects.ts';

/** Slots read at once, first: a reader mostly asks for the batch that it knows and whether there is a next. */
const READ_FIRST = 2;
/** Then one, and twice as many each time up to this: whoever has much to read soon reads many at once. */
const READ_AHEAD_MAX = 16;

/** A slot as the metadata of its object tells. */
interface SlotState {
  readonly offset: number;
  readonly resourceVersion: string | undefined;
}

export class KubernetesStore implements CoordinationStore {
  readonly writeBudget: WriteBudget;
  private readonly api: KubernetesApi;
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly objects: LogObjects;
  private readonly snapshots: SnapshotObjects;
  readonly leases: LeaseElection;
  private readonly summarize: (payload: Buffer) => BatchSummary;
  private readonly watches = new Set<ObjectWatch>();

  constructor(options: {
    readonly api: KubernetesApi;
    readonly clock: Clock;
    readonly random: Random;
    readonly namespace: string;
    /** Names the lease, and the log with it. */
    readonly lease: string;
    readonly summarize: (payload: Buffer) => BatchSummary;
  }) {
    this.api = options.api;
    this.clock = options.clock;
    this.random = options.random;
    this.summarize = options.summarize;
    this.objects = new LogObjects(options.namespace, options.lease);
    this.writeBudget = new WriteBudget({
      bytesMax: WRITE_BUDGET_BYTES,
      windowMs: WRITE_BUDGET_WINDOW_MS,
      monotonicMs: () => this.clock.monotonicMs(),
    });
    this.snapshots = new SnapshotObjects(this.api, this.objects, this.writeBudget);
    this.leases = new LeaseElection(leaseRegister(this.api, this.objects, this.clock), this.clock);
  }

  // ---- log

  /** A write without an answer is settled by its caller, as on every store: by what the log says afterwards. */
  async append(offset: number, payload: Buffer): Promise<void> {
    checkBatchSize(payload);
    const replaced = offset - SLOTS;
    const [slot, previous, snapshot] = await Promise.all([
      this.slotState(offset),
      offset === 0 ? undefined : this.slotState(offset - 1),
      replaced < 0 ? undefined : this.snapshots.manifest(),
    ]);
    const followsPrevious = offset === 0 || previous?.offset === offset - 1;
    const hasPlace = replaced < 0 ? slot === undefined : slot?.offset === replaced;
    if (!followsPrevious || !hasPlace) throw offsetConflict(offset, await this.end());
    if (replaced >= 0 && (snapshot?.spec.offset ?? 0) <= replaced) throw snapshotMissing(replaced);
    if (!(await this.write(offset, payload, slot))) throw offsetConflict(offset, await this.end());
  }

  /** False when the slot is no longer what it was. */
  private async write(offset: number, payload: Buffer, replaced: SlotState | undefined): Promise<boolean> {
    const { objects, api } = this;
    const resourceVersion = replaced?.resourceVersion;
    const slot = objects.slot({ offset, payload, summary: this.summarize(payload), resourceVersion });
    this.writeBudget.spend(slot.spec.payload.length);
    const outcome =
      replaced === undefined ? await api.create(objects.slots, slot) : await api.update(objects.slotPath(offset), slot);
    return outcome.kind === 'written';
  }

  private async slotState(offset: number): Promise<SlotState | undefined> {
    const slot = await this.api.get<ApiObject>(this.objects.slotPath(offset), 'metadata');
    if (slot === undefined) return undefined;
    return { offset: offsetOf(slot), resourceVersion: slot.metadata.resourceVersion };
  }

  async read(offset: number, max: number): Promise<StoredBatch[]> {
    const found: StoredBatch[] = [];
    let ahead = READ_FIRST;
    while (found.length < max) {
      const from = offset + found.length;
      const count = Math.min(ahead, max - found.length);
      const slots = await Promise.all(
        Array.from({ length: count }, (_, at) => this.api.get<Slot>(this.objects.slotPath(from + at))),
      );
      for (const [at, slot] of slots.entries()) {
        const wanted = from + at;
        if (slot === undefined || slot.spec.offset < wanted) return found;
        if (slot.spec.offset > wanted) {
          if (found.length > 0) return found;
          throw offsetConflict(offset, await this.end());
        }
        found.push({ offset: wanted, payload: Buffer.from(slot.spec.payload, 'base64') });
      }
      ahead = found.length <= READ_FIRST ? 1 : Math.min(ahead * 2, READ_AHEAD_MAX);
    }
    return found;
  }

  async end(): Promise<number> {
    const slots = await this.api.listMetadata(this.objects.slots, this.objects.labelSelector);
    let end = 0;
    for (const slot of slots) end = Math.max(end, offsetOf(slot) + 1);
    return end;
  }

  watch(changed: () => void): () => void {
    const { api, clock, random, objects } = this;
    const slots = new ObjectWatch({
      api,
      clock,
      random,
      path: objects.slots,
      query: { labelSelector: objects.labelSelector },
      part: 'metadata',
      changed: () => changed(),
    });
    // The lease changes with every renewal; only another holder is news.
    let seenHolder = '';
    const lease = new ObjectWatch({
      api,
      clock,
      random,
      path: objects.leases,
      query: { fieldSelector: `metadata.name=${objects.log}` },
      part: 'whole',
      changed(object) {
        if (object === undefined) return;
        const { holder, epoch } = leaseOf(object as LeaseObject);
        const isNews = seenHolder !== `${epoch} ${holder}`;
        seenHolder = `${epoch} ${holder}`;
        if (isNews) changed();
      },
    });
    const own = [slots, lease];
    for (const watch of own) this.watches.add(watch);
    return () => {
      for (const watch of own) {
        watch.stop();
        this.watches.delete(watch);
      }
    };
  }

  /** A slot is reused when its turn comes; nothing has to go before. */
  async trim(): Promise<void> {}

  // ---- snapshots

  writeSnapshot(snapshot: Snapshot): Promise<void> {
    return this.snapshots.write(snapshot);
  }

  readSnapshot(): Promise<Snapshot | undefined> {
    return this.snapshots.read();
  }

  async close(): Promise<void> {
    for (const watch of this.watches) watch.stop();
    this.api.close();
  }
}

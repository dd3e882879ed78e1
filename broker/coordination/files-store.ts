/**
 * The store in a folder, for several processes of one machine and for the single broker.
 *
 * A batch is a file whose name is its offset; link(2) refuses a second writer. Trimming first raises the floor,
 * durably, and then removes what is below it. The name of a removed batch could be won once more by a writer that slept
 * through the trim, so a writer looks at the floor after it won a name, and a reader after it read a batch: what lies
 * below the floor counts for nothing. Thus the folder stays small, and an offset stays taken.
 *
 * What a reader sees it may act on, so a name must not be lost to a power failure afterwards: names that appear for the
 * first time are synced before they are shown, whoever wrote them.
 */
import { BrokerError, type Clock, type Disk, type Random } from '../std/mod.ts';
import { LeaseElection, type LeaseRegister, type LeaseTerms } from './lease-election.ts';
import { LinkedFolder, numberName, numbersIn } from './linked-folder.ts';
import {
  type CoordinationStore,
  checkBatchSize,
  isNewerSnapshot,
  type Lease,
  offsetConflict,
  type Snapshot,
  type SnapshotName,
  type StoredBatch,
  snapshotConflict,
  unavailable,
} from './store.ts';
import { VersionedFile } from './versioned-file.ts';
import { unlimitedBudget } from './write-budget.ts';

/** The floor rises, and chunks go, while somebody reads; not again and again. */
const TRIES = 10;

interface Manifest extends SnapshotName {
  readonly chunks: readonly string[];
}

export class FilesStore implements CoordinationStore {
  readonly writeBudget = unlimitedBudget;
  private readonly clock: Clock;
  private readonly log: LinkedFolder;
  private readonly chunks: LinkedFolder;
  private readonly floor: VersionedFile;
  private readonly manifest: VersionedFile;
  private readonly lease: VersionedFile;
  readonly leases: LeaseElection;
  /** Every offset below is taken, unless the folder was put back to an earlier time. */
  private knownEnd = 0;
  /** Names below were synced. */
  private durableEnd = 0;

  constructor(options: {
    readonly disk: Disk;
    readonly clock: Clock;
    readonly random: Random;
    readonly folder: string;
  }) {
    const { disk, clock, random, folder } = options;
    const open = (name: string): LinkedFolder => new LinkedFolder({ disk, clock, random, path: `${folder}/${name}` });
    this.clock = clock;
    this.log = open('log');
    this.chunks = open('snapshot');
    this.floor = new VersionedFile(open('floor'));
    this.manifest = new VersionedFile(open('manifest'));
    this.lease = new VersionedFile(open('lease'));
    this.leases = new LeaseElection(leaseRegister(this.lease), clock, (action) => this.guarded(action));
    disk.syncFolder(folder);
  }

  private async guarded<Result>(action: () => Promise<Result>): Promise<Result> {
    try {
      return await action();
    } catch (error) {
      if (error instanceof BrokerError) throw error;
      throw unavailable('the coordination folder failed', error);
    }
  }

  // ---- log

  private async floorOffset(): Promise<number> {
    const version = await this.floor.read();
    return version === undefined ? 0 : Number(version.bytes.toString());
  }

  private async findEnd(): Promise<number> {
    const floor = await this.floorOffset();
    let end = this.knownEnd;
    if (end <= floor || !this.log.has(numberName(end - 1))) {
      end = Math.max(floor, (numbersIn(this.log.list()).at(-1) ?? -1) + 1);
    }
    while (this.log.has(numberName(end))) end++;
    if (end > this.durableEnd) await this.log.sync();
    this.durableEnd = end;
    this.knownEnd = end;
    return end;
  }

  append(offset: number, payload: Buffer): Promise<void> {
    return this.guarded(async () => {
      checkBatchSize(payload);
      const end = await this.findEnd();
      if (offset !== end) throw offsetConflict(offset, end);
      const name = numberName(offset);
      if (!(await this.log.create(name, payload))) throw offsetConflict(offset, await this.findEnd());
      if (offset < (await this.floorOffset())) {
        this.log.remove(name);
        throw offsetConflict(offset, await this.findEnd());
      }
    });
  }

  read(offset: number, max: number): Promise<StoredBatch[]> {
    return this.guarded(async () => {
      const end = await this.findEnd();
      const found: StoredBatch[] = [];
      for (let at = offset; at < end && found.length < max; at++) {
        const payload = await this.log.read(numberName(at));
        if (payload === undefined) break;
        found.push({ offset: at, payload });
      }
      const isTrimmed = offset < (await this.floorOffset());
      if (isTrimmed || (found.length === 0 && offset < end)) throw offsetConflict(offset, end);
      return found;
    });
  }

  end(): Promise<number> {
    return this.guarded(() => this.findEnd());
  }

  watch(changed: () => void): () => void {
    let isStopped = false;
    let isDue = false;
    const tell = (): void => {
      if (isDue) return;
      isDue = true;
      this.clock.after(0, () => {
        isDue = false;
        if (!isStopped) changed();
      });
    };
    const stopLog = this.log.watch(tell);
    // The lease changes with every renewal; only another holder is news.
    let seenEpoch: number | undefined;
    const stopLease = this.lease.watch(() => {
      this.leases.read().then(
        (lease) => {
          if (lease === undefined || (lease.epoch === seenEpoch && lease.holder !== '')) return;
          seenEpoch = lease.epoch;
          tell();
        },
        () => tell(),
      );
    });
    return () => {
      isStopped = true;
      stopLog();
      stopLease();
    };
  }

  trim(offset: number): Promise<void> {
    return this.guarded(async () => {
      for (let tries = 0; ; tries++) {
        const version = await this.floor.read();
        if (version !== undefined && Number(version.bytes.toString()) >= offset) break;
        if (await this.floor.swap(version?.number ?? 0, Buffer.from(String(offset)))) break;
        if (tries === TRIES) throw unavailable('others trim the log at the same time');
      }
      const floor = await this.floorOffset();
      for (const taken of numbersIn(this.log.list())) if (taken < floor) this.log.remove(numberName(taken));
    });
  }

  // ---- snapshots

  private async readManifest(): Promise<{ readonly number: number; readonly manifest: Manifest } | undefined> {
    const version = await this.manifest.read();
    if (version === undefined) return undefined;
    return { number: version.number, manifest: JSON.parse(version.bytes.toString()) as Manifest };
  }

  writeSnapshot(snapshot: Snapshot): Promise<void> {
    return this.guarded(async () => {
      const current = await this.readManifest();
      if (current !== undefined && !isNewerSnapshot(snapshot, current.manifest)) {
        throw snapshotConflict(snapshot, current.manifest);
      }
      const { offset, controllerEpoch } = snapshot;
      const names = snapshot.chunks.map((_, index) => `${numberName(offset)}-${controllerEpoch}-${index}`);
      for (const [index, name] of names.entries()) {
        const chunk = snapshot.chunks[index] as Buffer;
        // It may be there from an earlier attempt of the same controller.
        if (await this.chunks.create(name, chunk)) continue;
        if ((await this.chunks.read(name))?.equals(chunk) !== true) throw snapshotConflict(snapshot, snapshot);
      }
      const manifest: Manifest = { controllerEpoch, offset, chunks: names };
      if (!(await this.manifest.swap(current?.number ?? 0, Buffer.from(JSON.stringify(manifest))))) {
        throw snapshotConflict(snapshot, (await this.readManifest())?.manifest ?? snapshot);
      }
      if (current !== undefined) this.removeChunksBefore(current.manifest);
    });
  }

  /** Only what is older than the previous snapshot: a newer one may be another controller's that is being written. */
  private removeChunksBefore(previous: SnapshotName): void {
    for (const name of this.chunks.list()) {
      const [offset, controllerEpoch] = name.split('-').map(Number);
      if (offset === undefined || controllerEpoch === undefined) continue;
      if (isNewerSnapshot(previous, { offset, controllerEpoch })) this.chunks.remove(name);
    }
  }

  readSnapshot(): Promise<Snapshot | undefined> {
    return this.guarded(async () => {
      for (let tries = 0; tries < TRIES; tries++) {
        const current = await this.readManifest();
        if (current === undefined) return undefined;
        const { controllerEpoch, offset, chunks: names } = current.manifest;
        const chunks: Buffer[] = [];
        for (const name of names) {
          const chunk = await this.chunks.read(name);
          if (chunk !== undefined) chunks.push(chunk);
        }
        // A chunk is gone when two newer snapshots came meanwhile.
        if (chunks.length === names.length) return { controllerEpoch, offset, chunks };
      }
      throw unavailable('chunks of the snapshot are missing');
    });
  }

  async close(): Promise<void> {}
}

function leaseRegister(file: VersionedFile): LeaseRegister {
  const read = async (): Promise<Lease | undefined> => {
    const version = await file.read();
    if (version === undefined) return undefined;
    return { ...parseLease(version.bytes, version.number), version: String(version.number) };
  };
  return {
    read,
    async swap(from, next) {
      const number = Number(from?.version ?? 0);
      if (await file.swap(number, Buffer.from(JSON.stringify(next)))) return { ...next, version: String(number + 1) };
      const current = await read();
      if (current === undefined) throw unavailable('the lease vanished while it was taken');
      return current;
    },
  };
}

/** A lease that cannot be read is nobody's; there were never more holders than versions. */
function parseLease(bytes: Buffer, version: number): LeaseTerms {
  try {
    const { holder, epoch, durationMs } = JSON.parse(bytes.toString()) as LeaseTerms;
    return { holder, epoch, durationMs };
  } catch {
    return { holder: '', epoch: version, durationMs: 0 };
  }
}

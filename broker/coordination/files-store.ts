/**
 * The store in a folder, for several processes of one machine and for the single broker.
 *
 * A batch is written to a temporary file, synced, and linked to its final name: link(2) fails when the name exists,
 * which makes the offset taken once for ever. Trimming empties a file and leaves its name, so that a writer that slept
 * through the trim still finds its offset taken.
 */
import { BrokerError, type Clock, type Disk, type Random } from '../std/mod.ts';
import { conflict } from './memory-store.ts';
import { type CoordinationStore, isNewerSnapshot, type Lease, type Snapshot, type StoredBatch } from './store.ts';

const OFFSET_DIGITS = 20;
const WATCH_EVERY_MS = 100;
const LEFTOVER_AFTER_MS = 3_600_000;
/** Two lease files stay: the one that holds, and the one it replaced. */
const LEASES_KEPT = 2;

const name = (offset: number): string => String(offset).padStart(OFFSET_DIGITS, '0');

interface Manifest {
  readonly controllerEpoch: number;
  readonly offset: number;
  readonly chunks: readonly string[];
}

export class FilesStore implements CoordinationStore {
  private readonly disk: Disk;
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly logFolder: string;
  private readonly snapshotFolder: string;
  private readonly leaseFolder: string;
  /** Every offset below is taken; the search for the end starts here. */
  private knownEnd = 0;
  private isClosed = false;

  constructor(options: {
    readonly disk: Disk;
    readonly clock: Clock;
    readonly random: Random;
    readonly folder: string;
  }) {
    this.disk = options.disk;
    this.clock = options.clock;
    this.random = options.random;
    this.logFolder = `${options.folder}/log`;
    this.snapshotFolder = `${options.folder}/snapshot`;
    this.leaseFolder = `${options.folder}/lease`;
    for (const folder of [this.logFolder, this.snapshotFolder, this.leaseFolder]) this.disk.makeFolder(folder);
    this.disk.syncFolder(options.folder);
    this.removeLeftovers();
    const taken = this.disk.list(this.logFolder).filter((entry) => /^\d+$/.test(entry));
    this.knownEnd = taken.length === 0 ? 0 : Number(taken.at(-1)) + 1;
  }

  private removeLeftovers(): void {
    for (const folder of [this.logFolder, this.snapshotFolder, this.leaseFolder]) {
      for (const entry of this.disk.list(folder)) {
        if (!entry.endsWith('.tmp')) continue;
        // A young one may be another process at work.
        const { modifiedMs } = this.disk.stat(`${folder}/${entry}`) ?? { modifiedMs: this.clock.nowMs() };
        if (this.clock.nowMs() - modifiedMs < LEFTOVER_AFTER_MS) continue;
        this.ignoreMissing(() => this.disk.removeFile(`${folder}/${entry}`));
      }
    }
  }

  /** Another process may have removed it first. */
  private ignoreMissing(action: () => void): void {
    try {
      action();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  private async guarded<Result>(action: () => Result): Promise<Result> {
    try {
      return action();
    } catch (error) {
      if (error instanceof BrokerError) throw error;
      throw new BrokerError('store.unavailable', `the coordination folder failed: ${(error as Error).message}`, {
        cause: error,
        retriable: true,
      });
    }
  }

  /** Writes and syncs a file under a name that nobody else uses. */
  private writeTemporary(folder: string, bytes: Buffer): string {
    const path = `${folder}/${this.random.bytes(8).toString('hex')}.tmp`;
    const file = this.disk.open(path, 'create');
    try {
      let written = 0;
      while (written < bytes.length) written += file.writeSync(bytes, written, bytes.length - written, written);
      file.datasyncSync();
    } finally {
      file.close();
    }
    return path;
  }

  /** Gives the bytes a name that did not exist; false when it did. */
  private create(folder: string, final: string, bytes: Buffer): boolean {
    const temporary = this.writeTemporary(folder, bytes);
    try {
      this.disk.link(temporary, `${folder}/${final}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      this.disk.removeFile(temporary);
    }
    this.disk.syncFolder(folder);
    return true;
  }

  private replace(folder: string, final: string, bytes: Buffer): void {
    this.disk.rename(this.writeTemporary(folder, bytes), `${folder}/${final}`);
    this.disk.syncFolder(folder);
  }

  // ---- lease

  private currentLease(): Lease | undefined {
    const newest = this.disk
      .list(this.leaseFolder)
      .filter((entry) => /^\d+$/.test(entry))
      .at(-1);
    if (newest === undefined) return undefined;
    try {
      return JSON.parse(this.disk.readFile(`${this.leaseFolder}/${newest}`).toString()) as Lease;
    } catch {
      // A lease that cannot be read is nobody's; its epoch stays taken by the file's name.
      return { holder: '', epoch: Number(newest), untilMs: 0 };
    }
  }

  acquireLease(holder: string, durationMs: number): Promise<Lease> {
    return this.guarded(() => {
      const current = this.currentLease();
      const nowMs = this.clock.nowMs();
      const untilMs = nowMs + durationMs;
      if (current?.holder === holder) {
        const renewed = { ...current, untilMs };
        this.replace(this.leaseFolder, name(current.epoch), Buffer.from(JSON.stringify(renewed)));
        return renewed;
      }
      if (current !== undefined && current.untilMs > nowMs) return current;
      const taken: Lease = { holder, epoch: (current?.epoch ?? 0) + 1, untilMs };
      const isOurs = this.create(this.leaseFolder, name(taken.epoch), Buffer.from(JSON.stringify(taken)));
      if (!isOurs) return this.currentLease() ?? taken;
      const old = this.disk
        .list(this.leaseFolder)
        .filter((entry) => /^\d+$/.test(entry))
        .slice(0, -LEASES_KEPT);
      for (const entry of old) this.ignoreMissing(() => this.disk.removeFile(`${this.leaseFolder}/${entry}`));
      return taken;
    });
  }

  releaseLease(holder: string): Promise<void> {
    return this.guarded(() => {
      const current = this.currentLease();
      if (current?.holder !== holder) return;
      this.replace(this.leaseFolder, name(current.epoch), Buffer.from(JSON.stringify({ ...current, untilMs: 0 })));
    });
  }

  readLease(): Promise<Lease | undefined> {
    return this.guarded(() => this.currentLease());
  }

  // ---- log

  private findEnd(): number {
    while (this.disk.exists(`${this.logFolder}/${name(this.knownEnd)}`)) this.knownEnd++;
    return this.knownEnd;
  }

  append(offset: number, payload: Buffer): Promise<void> {
    return this.guarded(() => {
      const end = this.findEnd();
      if (offset !== end) throw conflict(offset, end);
      if (!this.create(this.logFolder, name(offset), payload)) throw conflict(offset, this.findEnd());
    });
  }

  read(offset: number, max: number): Promise<StoredBatch[]> {
    return this.guarded(() => {
      const found: StoredBatch[] = [];
      const end = this.findEnd();
      for (let at = offset; at < end && found.length < max; at++) {
        const payload = this.disk.readFile(`${this.logFolder}/${name(at)}`);
        if (payload.length === 0) throw conflict(at, end);
        found.push({ offset: at, payload });
      }
      return found;
    });
  }

  end(): Promise<number> {
    return this.guarded(() => this.findEnd());
  }

  watch(changed: () => void): () => void {
    let isStopped = false;
    let seen = this.knownEnd;
    const look = (): void => {
      if (isStopped || this.isClosed) return;
      let end = seen;
      try {
        end = this.findEnd();
      } catch {
        // A watch is only a hint: whoever reads next meets the error and deals with it.
      }
      if (end !== seen) {
        seen = end;
        changed();
      }
      this.clock.after(WATCH_EVERY_MS, look);
    };
    this.clock.after(WATCH_EVERY_MS, look);
    return () => {
      isStopped = true;
    };
  }

  trim(offset: number): Promise<void> {
    return this.guarded(() => {
      for (const entry of this.disk.list(this.logFolder)) {
        if (!/^\d+$/.test(entry) || Number(entry) >= offset) continue;
        const path = `${this.logFolder}/${entry}`;
        if (this.disk.stat(path)?.sizeBytes === 0) continue;
        const file = this.disk.open(path, 'write');
        file.truncate(0);
        file.close();
      }
    });
  }

  // ---- snapshots

  private manifest(): Manifest | undefined {
    const path = `${this.snapshotFolder}/manifest`;
    if (!this.disk.exists(path)) return undefined;
    return JSON.parse(this.disk.readFile(path).toString()) as Manifest;
  }

  writeSnapshot(snapshot: Snapshot): Promise<void> {
    return this.guarded(() => {
      const current = this.manifest();
      if (current !== undefined && !isNewerSnapshot(snapshot, current)) {
        throw new BrokerError('store.conflict', 'a newer snapshot is there');
      }
      const prefix = `${name(snapshot.offset)}-${snapshot.controllerEpoch}`;
      const chunks = snapshot.chunks.map((chunk, index) => {
        const chunkName = `${prefix}-${index}`;
        this.replace(this.snapshotFolder, chunkName, chunk);
        return chunkName;
      });
      const manifest: Manifest = { controllerEpoch: snapshot.controllerEpoch, offset: snapshot.offset, chunks };
      this.replace(this.snapshotFolder, 'manifest', Buffer.from(JSON.stringify(manifest)));
      const kept = new Set([...chunks, ...(current?.chunks ?? []), 'manifest']);
      for (const entry of this.disk.list(this.snapshotFolder)) {
        if (!kept.has(entry)) this.ignoreMissing(() => this.disk.removeFile(`${this.snapshotFolder}/${entry}`));
      }
    });
  }

  readSnapshot(): Promise<Snapshot | undefined> {
    return this.guarded(() => {
      const manifest = this.manifest();
      if (manifest === undefined) return undefined;
      const chunks = manifest.chunks.map((chunk) => this.disk.readFile(`${this.snapshotFolder}/${chunk}`));
      return { controllerEpoch: manifest.controllerEpoch, offset: manifest.offset, chunks };
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

/**
 * Fixed-size entries, sorted, appended at the end: what the offset index and the time index have in common.
 *
 * Entries live in memory and reach the file when the segment rolls or closes; a crash in between costs a rebuild, which
 * recovery does anyway for everything past the recovery point. A closed segment's entries are read when first needed
 * and may be dropped again, so that thousands of idle partitions cost nothing.
 */
import { assert, type Disk } from '../std/mod.ts';

const NO_ENTRIES = Buffer.alloc(0);

export class IndexFile {
  path: string;
  readonly baseOffset: number;
  readonly entryBytes: number;
  protected readonly disk: Disk;
  private loaded: Buffer | undefined;
  private count = 0;
  private isDirty = false;
  /** How often it was written. What was found on disk was synced, or is not trusted and written anew. */
  private writes = 0;
  private syncedWrites = 0;
  private hadBytes = false;

  protected constructor(disk: Disk, path: string, baseOffset: number, entryBytes: number) {
    this.disk = disk;
    this.path = path;
    this.baseOffset = baseOffset;
    this.entryBytes = entryBytes;
  }

  get entryCount(): number {
    this.load();
    return this.count;
  }

  /** For a segment that has just been made: there is nothing to load. */
  startEmpty(): void {
    this.loaded = NO_ENTRIES;
    this.count = 0;
    this.isDirty = true;
  }

  protected entries(): Buffer {
    return this.load();
  }

  /** Returns where in `entries()` the caller writes the new last entry. */
  protected grow(): number {
    const entries = this.load();
    const at = this.count * this.entryBytes;
    if (at + this.entryBytes > entries.length) {
      const grown = Buffer.alloc(Math.max(this.entryBytes * 8, entries.length * 2));
      entries.copy(grown, 0, 0, at);
      this.loaded = grown;
    }
    this.count += 1;
    this.isDirty = true;
    return at;
  }

  protected cutTo(count: number): void {
    assert(count <= this.entryCount, 'an index is cut to more entries than it has');
    if (count === this.count) return;
    this.count = count;
    this.isDirty = true;
  }

  /** Brings the file up to what is in memory. */
  write(): void {
    if (!this.isDirty || this.loaded === undefined) return;
    const sizeBytes = this.count * this.entryBytes;
    const file = this.disk.open(this.path, 'create');
    try {
      for (let at = 0; at < sizeBytes; ) at += file.writeSync(this.loaded, at, sizeBytes - at, at);
      if (file.sizeBytes() !== sizeBytes) file.truncate(sizeBytes);
    } finally {
      file.close();
    }
    this.isDirty = false;
    // A file that never held anything has nothing to lose but its name.
    if (sizeBytes > 0 || this.hadBytes) this.writes += 1;
    this.hadBytes ||= sizeBytes > 0;
  }

  async sync(): Promise<void> {
    const { writes } = this;
    if (writes === this.syncedWrites || !this.disk.exists(this.path)) return;
    const file = this.disk.open(this.path, 'write');
    try {
      await file.datasync();
      this.syncedWrites = Math.max(this.syncedWrites, writes);
    } finally {
      file.close();
    }
  }

  /** Frees the memory of an index that is on disk. */
  unload(): void {
    if (!this.isDirty) this.loaded = undefined;
  }

  /** True when the file can be what an index of this segment looks like; anything else is rebuilt. */
  protected loadSane(): boolean {
    const size = this.disk.stat(this.path)?.sizeBytes;
    if (size === undefined || size % this.entryBytes !== 0) return false;
    this.load();
    return true;
  }

  private load(): Buffer {
    if (this.loaded === undefined) {
      const bytes = this.disk.exists(this.path) ? this.disk.readFile(this.path) : NO_ENTRIES;
      this.loaded = bytes;
      this.hadBytes ||= bytes.length > 0;
      this.count = Math.floor(bytes.length / this.entryBytes);
    }
    return this.loaded;
  }
}

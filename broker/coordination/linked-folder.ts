/**
 * A folder of files that come into being whole and durable, under names that only one writer can win: a temporary file
 * is written and synced, then link(2) gives it its name and fails where the name exists.
 */
import type { Clock, Disk, Random } from '../std/mod.ts';

const TEMPORARY_SUFFIX = '.tmp';
/** A temporary file that is younger may be another process at work. */
const LEFTOVER_AFTER_MS = 3_600_000;

export class LinkedFolder {
  private readonly disk: Disk;
  private readonly random: Random;
  readonly path: string;

  /** Makes the folder where it is missing; whoever holds the folder above syncs that. */
  constructor(options: {
    readonly disk: Disk;
    readonly clock: Clock;
    readonly random: Random;
    readonly path: string;
  }) {
    this.disk = options.disk;
    this.random = options.random;
    this.path = options.path;
    this.disk.makeFolder(this.path);
    this.removeLeftovers(options.clock.nowMs());
  }

  private removeLeftovers(nowMs: number): void {
    for (const name of this.disk.list(this.path)) {
      if (!name.endsWith(TEMPORARY_SUFFIX)) continue;
      const modifiedMs = this.disk.stat(`${this.path}/${name}`)?.modifiedMs ?? nowMs;
      if (nowMs - modifiedMs >= LEFTOVER_AFTER_MS) this.remove(name);
    }
  }

  /** Names that were given, sorted. */
  list(): string[] {
    return this.disk.list(this.path).filter((name) => !name.endsWith(TEMPORARY_SUFFIX));
  }

  has(name: string): boolean {
    return this.disk.exists(`${this.path}/${name}`);
  }

  /** What the file holds; undefined when there is none, or no longer one. */
  async read(name: string): Promise<Buffer | undefined> {
    return this.ignoreMissing(async () => {
      const file = this.disk.open(`${this.path}/${name}`, 'read');
      try {
        const bytes = Buffer.allocUnsafe(file.sizeBytes());
        const readBytes = await file.read(bytes, 0, bytes.length, 0);
        return bytes.subarray(0, readBytes);
      } finally {
        file.close();
      }
    });
  }

  /** Gives the bytes a name, durably once it returns; false when the name was taken. */
  async create(name: string, bytes: Buffer): Promise<boolean> {
    const temporary = `${this.path}/${this.random.bytes(8).toString('hex')}${TEMPORARY_SUFFIX}`;
    try {
      const file = this.disk.open(temporary, 'create');
      try {
        let written = 0;
        while (written < bytes.length) {
          written += await file.write(bytes, written, bytes.length - written, written);
        }
        await file.datasync();
      } finally {
        file.close();
      }
      this.disk.link(temporary, `${this.path}/${name}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      this.removePath(temporary);
    }
    await this.sync();
    return true;
  }

  /** Another process may have removed it first. */
  remove(name: string): void {
    this.removePath(`${this.path}/${name}`);
  }

  /** From here on a power loss cannot take back any name that is there now. */
  sync(): Promise<void> {
    return this.disk.syncFolderAsync(this.path);
  }

  watch(changed: (name: string) => void): () => void {
    return this.disk.watchFolder(this.path, (name) => {
      if (!name.endsWith(TEMPORARY_SUFFIX)) changed(name);
    });
  }

  private removePath(path: string): void {
    try {
      this.disk.removeFile(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  private async ignoreMissing<Result>(action: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await action();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }
}

const NUMBER_DIGITS = 20;

/** A number as a name that sorts as the number does. */
export function numberName(value: number): string {
  return String(value).padStart(NUMBER_DIGITS, '0');
}

/** The numbers among the names, in order. */
export function numbersIn(names: readonly string[]): number[] {
  return names.filter((name) => /^\d+$/.test(name)).map(Number);
}

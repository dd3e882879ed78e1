/**
 * One value that changes by compare-and-set: each version is a file of its own, and link(2) decides who writes the
 * next.
 *
 * The two newest versions stay. A writer that slept may still win the name of a version that was removed since; it
 * finds newer ones beside it then, because version N only goes when N + 2 is there, and knows that it has lost.
 */
import { type LinkedFolder, numberName, numbersIn } from './linked-folder.ts';
import { unavailable } from './store.ts';

const VERSIONS_KEPT = 2;
/** A version can be replaced twice between looking for it and reading it; not again and again. */
const READ_TRIES = 10;

export interface Version {
  readonly number: number;
  readonly bytes: Buffer;
}

export class VersionedFile {
  private readonly folder: LinkedFolder;
  /** Versions up to here were synced by this process, or by the one that wrote them. */
  private durableNumber = 0;

  constructor(folder: LinkedFolder) {
    this.folder = folder;
  }

  /** The newest version. What it says is durable: somebody may act on it. */
  async read(): Promise<Version | undefined> {
    for (let tries = 0; tries < READ_TRIES; tries++) {
      const number = this.newest();
      if (number === 0) return undefined;
      const bytes = await this.folder.read(numberName(number));
      if (bytes === undefined) continue;
      if (number > this.durableNumber) await this.folder.sync();
      this.durableNumber = number;
      return { number, bytes };
    }
    throw unavailable(`${this.folder.path} changes faster than it can be read`);
  }

  /** Writes version `from` + 1, 1 being the first; false when another did, or has already written a later one. */
  async swap(from: number, bytes: Buffer): Promise<boolean> {
    const number = from + 1;
    if (this.newest() !== from) return false;
    if (!(await this.folder.create(numberName(number), bytes))) return false;
    if (this.newest() !== number) return false;
    for (const old of numbersIn(this.folder.list()).slice(0, -VERSIONS_KEPT)) this.folder.remove(numberName(old));
    return true;
  }

  watch(changed: () => void): () => void {
    return this.folder.watch(changed);
  }

  private newest(): number {
    return numbersIn(this.folder.list()).at(-1) ?? 0;
  }
}

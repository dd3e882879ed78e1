/** The file system of a real process. */
import * as fs from 'node:fs';
import type { Disk, DiskFile } from './runtime.ts';

const FLAGS = { read: 'r', write: 'r+', create: fs.constants.O_RDWR | fs.constants.O_CREAT } as const;

class NodeFile implements DiskFile {
  readonly path: string;
  private readonly descriptor: number;
  private pending = 0;
  private isClosed = false;

  constructor(path: string, descriptor: number) {
    this.path = path;
    this.descriptor = descriptor;
  }

  sizeBytes(): number {
    return fs.fstatSync(this.descriptor).size;
  }

  writeSync(buffer: Buffer, offset: number, length: number, position: number): number {
    return fs.writeSync(this.descriptor, buffer, offset, length, position);
  }

  write(buffer: Buffer, offset: number, length: number, position: number): Promise<number> {
    return this.onThreadPool((done) => fs.write(this.descriptor, buffer, offset, length, position, done));
  }

  readSync(buffer: Buffer, offset: number, length: number, position: number): number {
    let total = 0;
    while (total < length) {
      const read = fs.readSync(this.descriptor, buffer, offset + total, length - total, position + total);
      if (read === 0) break;
      total += read;
    }
    return total;
  }

  async read(buffer: Buffer, offset: number, length: number, position: number): Promise<number> {
    let total = 0;
    while (total < length) {
      const read = await this.onThreadPool<number>((done) =>
        fs.read(this.descriptor, buffer, offset + total, length - total, position + total, done),
      );
      if (read === 0) break;
      total += read;
    }
    return total;
  }

  truncate(sizeBytes: number): void {
    fs.ftruncateSync(this.descriptor, sizeBytes);
  }

  async datasync(): Promise<void> {
    await this.onThreadPool<number>((done) => fs.fdatasync(this.descriptor, (error) => done(error, 0)));
  }

  datasyncSync(): void {
    fs.fdatasyncSync(this.descriptor);
  }

  /** The descriptor is closed once nothing uses it any more: its number would soon mean another file. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (this.pending === 0) fs.closeSync(this.descriptor);
  }

  private onThreadPool<Result>(start: (done: (error: Error | null, result: Result) => void) => void): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.pending++;
      start((error, result) => {
        this.pending--;
        if (this.isClosed && this.pending === 0) fs.closeSync(this.descriptor);
        if (error === null || error === undefined) resolve(result);
        else reject(error);
      });
    });
  }
}

export function nodeDisk(): Disk {
  return {
    open: (path, mode) => new NodeFile(path, fs.openSync(path, FLAGS[mode], 0o644)),
    exists: (path) => fs.existsSync(path),
    list: (path) => fs.readdirSync(path).sort(),
    stat(path) {
      const stat = fs.statSync(path, { throwIfNoEntry: false });
      if (stat === undefined) return undefined;
      return { sizeBytes: stat.size, modifiedMs: stat.mtimeMs, isFolder: stat.isDirectory() };
    },
    makeFolder: (path) => void fs.mkdirSync(path, { recursive: true }),
    removeFile: (path) => fs.unlinkSync(path),
    removeTree: (path) => fs.rmSync(path, { recursive: true, force: true }),
    rename: (from, to) => fs.renameSync(from, to),
    link: (from, to) => fs.linkSync(from, to),
    syncFolder(path) {
      const descriptor = fs.openSync(path, 'r');
      try {
        fs.fsyncSync(descriptor);
      } finally {
        fs.closeSync(descriptor);
      }
    },
    async syncFolderAsync(path) {
      const folder = await fs.promises.open(path, 'r');
      try {
        await folder.sync();
      } finally {
        await folder.close();
      }
    },
    watchFolder(path, changed) {
      try {
        const watcher = fs.watch(path, { persistent: false }, (_event, name) => {
          if (name !== null) changed(name);
        });
        watcher.on('error', () => watcher.close());
        return () => watcher.close();
      } catch {
        // The system has no more watches to give, or none at all.
        return () => {};
      }
    },
    readFile: (path) => fs.readFileSync(path),
    space(path) {
      const stat = fs.statfsSync(path);
      return { freeBytes: stat.bavail * stat.bsize, totalBytes: stat.blocks * stat.bsize };
    },
  };
}

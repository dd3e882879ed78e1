/**
 * A disk in memory that can lose what a real one may lose. Every file has the bytes that a reader sees and the bytes
 * that are durable, with the unsynced operations between them; every folder likewise has entries and durable entries.
 * `kill` keeps all that was written, as the page cache does; `powerLoss` keeps, of what was not synced, a random
 * choice: dropped, torn and reordered data writes, and a prefix of each folder's name changes (file systems journal
 * those in order). Handles opened before either are dead. Faults are injected by path and operation.
 */
import { posix } from 'node:path';
import type { Disk, DiskFile } from '../runtime.ts';
import type { SeededRandom } from './prng.ts';
import type { SimClock } from './sim-clock.ts';

type DataOperation =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly sizeBytes: number };

class Bytes {
  buffer: Buffer = Buffer.alloc(0);
  sizeBytes = 0;

  apply(operation: DataOperation): void {
    if (operation.kind === 'truncate') {
      this.reserve(operation.sizeBytes);
      if (operation.sizeBytes < this.sizeBytes) this.buffer.fill(0, operation.sizeBytes, this.sizeBytes);
      this.sizeBytes = operation.sizeBytes;
      return;
    }
    const end = operation.position + operation.bytes.length;
    this.reserve(end);
    operation.bytes.copy(this.buffer, operation.position);
    this.sizeBytes = Math.max(this.sizeBytes, end);
  }

  copyOf(other: Bytes): void {
    this.buffer = Buffer.from(other.buffer.subarray(0, other.sizeBytes));
    this.sizeBytes = other.sizeBytes;
  }

  private reserve(sizeBytes: number): void {
    if (sizeBytes <= this.buffer.length) return;
    const grown = Buffer.alloc(Math.max(sizeBytes, this.buffer.length * 2, 256));
    this.buffer.copy(grown, 0, 0, this.sizeBytes);
    this.buffer = grown;
  }
}

class FileNode {
  readonly seen = new Bytes();
  readonly durable = new Bytes();
  unsynced: DataOperation[] = [];
  modifiedMs = 0;

  apply(operation: DataOperation): void {
    this.seen.apply(operation);
    this.unsynced.push(operation);
  }

  sync(): void {
    for (const operation of this.unsynced) this.durable.apply(operation);
    this.unsynced = [];
  }
}

/** One name change; a rename inside a folder is one, so it happens whole or not at all. */
type NameOperation = readonly { readonly name: string; readonly node: Node | undefined }[];

class FolderNode {
  readonly entries = new Map<string, Node>();
  readonly durable = new Map<string, Node>();
  unsynced: NameOperation[] = [];
  readonly watchers = new Set<(name: string) => void>();

  apply(operation: NameOperation): void {
    applyNames(this.entries, operation);
    this.unsynced.push(operation);
    for (const watcher of [...this.watchers]) for (const { name } of operation) watcher(name);
  }

  sync(): void {
    for (const operation of this.unsynced) applyNames(this.durable, operation);
    this.unsynced = [];
  }
}

type Node = FileNode | FolderNode;

function applyNames(entries: Map<string, Node>, operation: NameOperation): void {
  for (const { name, node } of operation) {
    if (node === undefined) entries.delete(name);
    else entries.set(name, node);
  }
}

export type DiskOperation = 'open' | 'read' | 'write' | 'datasync' | 'truncate' | 'rename' | 'remove';

export interface DiskFault {
  /** Matches the paths that it hits; all when left out. */
  readonly path?: RegExp;
  readonly operation: DiskOperation;
  /** `short` writes or reads a part; `slow` lets `slowMs` pass first; the others throw with that code. */
  readonly kind: 'ENOSPC' | 'EIO' | 'EROFS' | 'short' | 'slow';
  readonly slowMs?: number;
  /** Hits so many times, after letting `skip` calls pass; for ever when left out. */
  readonly times?: number;
  readonly skip?: number;
}

interface ActiveFault {
  readonly fault: DiskFault;
  skipLeft: number;
  timesLeft: number;
}

function systemError(code: string, operation: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${operation} '${path}'`), { code, path, syscall: operation });
}

export class MemoryDisk implements Disk {
  /** Bytes that all files together may hold; writes beyond it fail with ENOSPC. */
  capacityBytes = Number.MAX_SAFE_INTEGER;
  /** Counts every call that changes the disk, so that a test can cut the power at each. */
  changes = 0;
  /** How often an injected fault has hit. */
  faultsHit = 0;
  /** Called before each change, numbered as `changes`; it may throw to stop the world there. */
  beforeChange: ((change: number, operation: DiskOperation, path: string) => void) | undefined;
  private root = new FolderNode();
  private usedBytes = 0;
  private generation = 0;
  private faults: ActiveFault[] = [];
  private readonly clock: SimClock | undefined;

  constructor(options: { readonly clock?: SimClock } = {}) {
    this.clock = options.clock;
  }

  /** Adds a fault; the returned function takes it away. */
  inject(fault: DiskFault): () => void {
    const active: ActiveFault = {
      fault,
      skipLeft: fault.skip ?? 0,
      timesLeft: fault.times ?? Number.POSITIVE_INFINITY,
    };
    this.faults.push(active);
    return () => {
      this.faults = this.faults.filter((other) => other !== active);
    };
  }

  /** The process dies, the machine lives: written bytes stay, handles do not. */
  kill(): void {
    this.generation += 1;
  }

  /** The machine dies. What was not synced is kept in part, as `random` decides. */
  powerLoss(random: SeededRandom): void {
    this.generation += 1;
    const visit = (folder: FolderNode): void => {
      const kept = random.chance(0.3) ? folder.unsynced.length : random.below(folder.unsynced.length + 1);
      for (const operation of folder.unsynced.slice(0, kept)) applyNames(folder.durable, operation);
      folder.unsynced = [];
      folder.entries.clear();
      for (const [name, node] of folder.durable) {
        folder.entries.set(name, node);
        if (node instanceof FolderNode) visit(node);
        else loseData(node, random);
      }
    };
    visit(this.root);
    this.recountUsed();
  }

  /** An independent disk with the same contents, seen and durable: what a test forks before it cuts the power. */
  clone(): MemoryDisk {
    const copy = new MemoryDisk(this.clock === undefined ? {} : { clock: this.clock });
    const copies = new Map<Node, Node>();
    const copyNode = (node: Node): Node => {
      const known = copies.get(node);
      if (known !== undefined) return known;
      if (node instanceof FileNode) {
        const file = new FileNode();
        copies.set(node, file);
        file.seen.copyOf(node.seen);
        file.durable.copyOf(node.durable);
        file.unsynced = [...node.unsynced];
        file.modifiedMs = node.modifiedMs;
        return file;
      }
      const folder = new FolderNode();
      copies.set(node, folder);
      for (const [name, child] of node.entries) folder.entries.set(name, copyNode(child));
      for (const [name, child] of node.durable) folder.durable.set(name, copyNode(child));
      folder.unsynced = node.unsynced.map((operation) =>
        operation.map(({ name, node: child }) => ({ name, node: child === undefined ? undefined : copyNode(child) })),
      );
      return folder;
    };
    copy.root = copyNode(this.root) as FolderNode;
    copy.capacityBytes = this.capacityBytes;
    copy.recountUsed();
    return copy;
  }

  open(path: string, mode: 'read' | 'write' | 'create'): DiskFile {
    this.hit('open', path);
    const { folder, name } = this.parent(path, 'open');
    let node = folder.entries.get(name);
    if (node === undefined) {
      if (mode !== 'create') throw systemError('ENOENT', 'open', path);
      this.change('open', path);
      const created = new FileNode();
      created.modifiedMs = this.clock?.nowMs() ?? 0;
      folder.apply([{ name, node: created }]);
      node = created;
    }
    if (node instanceof FolderNode) throw systemError('EISDIR', 'open', path);
    return new MemoryFile(this, path, node, this.generation);
  }

  exists(path: string): boolean {
    return this.find(path) !== undefined;
  }

  list(path: string): string[] {
    const node = this.find(path);
    if (node === undefined) throw systemError('ENOENT', 'scandir', path);
    if (node instanceof FileNode) throw systemError('ENOTDIR', 'scandir', path);
    return [...node.entries.keys()].sort();
  }

  stat(path: string): { sizeBytes: number; modifiedMs: number; isFolder: boolean } | undefined {
    const node = this.find(path);
    if (node === undefined) return undefined;
    if (node instanceof FolderNode) return { sizeBytes: 0, modifiedMs: 0, isFolder: true };
    return { sizeBytes: node.seen.sizeBytes, modifiedMs: node.modifiedMs, isFolder: false };
  }

  makeFolder(path: string): void {
    let folder = this.root;
    for (const name of parts(path)) {
      let node = folder.entries.get(name);
      if (node === undefined) {
        this.change('open', path);
        node = new FolderNode();
        folder.apply([{ name, node }]);
      }
      if (node instanceof FileNode) throw systemError('ENOTDIR', 'mkdir', path);
      folder = node;
    }
  }

  removeFile(path: string): void {
    this.hit('remove', path);
    const { folder, name } = this.parent(path, 'unlink');
    const node = folder.entries.get(name);
    if (node === undefined) throw systemError('ENOENT', 'unlink', path);
    if (node instanceof FolderNode) throw systemError('EISDIR', 'unlink', path);
    this.change('remove', path);
    this.usedBytes -= node.seen.sizeBytes;
    folder.apply([{ name, node: undefined }]);
  }

  removeTree(path: string): void {
    const node = this.find(path);
    if (node === undefined) return;
    this.hit('remove', path);
    this.change('remove', path);
    const { folder, name } = this.parent(path, 'rm');
    folder.apply([{ name, node: undefined }]);
    this.recountUsed();
  }

  rename(from: string, to: string): void {
    this.hit('rename', from);
    const source = this.parent(from, 'rename');
    const target = this.parent(to, 'rename');
    const node = source.folder.entries.get(source.name);
    if (node === undefined) throw systemError('ENOENT', 'rename', from);
    this.change('rename', from);
    if (source.folder === target.folder) {
      source.folder.apply([
        { name: source.name, node: undefined },
        { name: target.name, node },
      ]);
    } else {
      target.folder.apply([{ name: target.name, node }]);
      source.folder.apply([{ name: source.name, node: undefined }]);
    }
  }

  link(from: string, to: string): void {
    const node = this.find(from);
    const target = this.parent(to, 'link');
    if (node === undefined) throw systemError('ENOENT', 'link', from);
    if (target.folder.entries.has(target.name)) throw systemError('EEXIST', 'link', to);
    this.change('rename', to);
    target.folder.apply([{ name: target.name, node }]);
  }

  syncFolder(path: string): void {
    this.hit('datasync', path);
    const node = this.find(path);
    if (!(node instanceof FolderNode)) throw systemError('ENOENT', 'fsync', path);
    this.change('datasync', path);
    node.sync();
  }

  async syncFolderAsync(path: string): Promise<void> {
    this.syncFolder(path);
  }

  /** Those who died before hear nothing any more. */
  watchFolder(path: string, changed: (name: string) => void): () => void {
    const node = this.find(path);
    if (!(node instanceof FolderNode)) throw systemError('ENOENT', 'watch', path);
    const { generation } = this;
    const watcher = (name: string): void => {
      if (this.isCurrent(generation)) changed(name);
    };
    node.watchers.add(watcher);
    return () => node.watchers.delete(watcher);
  }

  readFile(path: string): Buffer {
    this.hit('read', path);
    const node = this.find(path);
    if (node === undefined) throw systemError('ENOENT', 'open', path);
    if (node instanceof FolderNode) throw systemError('EISDIR', 'read', path);
    return Buffer.from(node.seen.buffer.subarray(0, node.seen.sizeBytes));
  }

  space(_path: string): { freeBytes: number; totalBytes: number } {
    return { freeBytes: Math.max(0, this.capacityBytes - this.usedBytes), totalBytes: this.capacityBytes };
  }

  /** For `MemoryFile` only: throws or delays as the injected faults say; true when the call is to be cut short. */
  hit(operation: DiskOperation, path: string): boolean {
    for (const active of this.faults) {
      const { fault } = active;
      if (fault.operation !== operation || (fault.path !== undefined && !fault.path.test(path))) continue;
      if (active.skipLeft > 0) {
        active.skipLeft -= 1;
        continue;
      }
      if (active.timesLeft <= 0) continue;
      active.timesLeft -= 1;
      this.faultsHit += 1;
      if (fault.kind === 'slow') this.clock?.elapse(fault.slowMs ?? 10);
      else if (fault.kind === 'short') return true;
      else throw systemError(fault.kind, operation, path);
    }
    return false;
  }

  change(operation: DiskOperation, path: string): void {
    this.beforeChange?.(this.changes, operation, path);
    this.changes += 1;
  }

  isCurrent(generation: number): boolean {
    return generation === this.generation;
  }

  /** For `MemoryFile` only: how many of `length` bytes fit when the file grows to `endBytes`. */
  take(node: FileNode, position: number, length: number): number {
    const growth = Math.max(0, position + length - node.seen.sizeBytes);
    const fits = Math.min(growth, Math.max(0, this.capacityBytes - this.usedBytes));
    this.usedBytes += fits;
    return length - (growth - fits);
  }

  /** For `MemoryFile` only. */
  give(bytes: number): void {
    this.usedBytes -= bytes;
  }

  touch(node: FileNode): void {
    node.modifiedMs = this.clock?.nowMs() ?? 0;
  }

  private find(path: string): Node | undefined {
    let node: Node = this.root;
    for (const name of parts(path)) {
      if (node instanceof FileNode) return undefined;
      const child: Node | undefined = node.entries.get(name);
      if (child === undefined) return undefined;
      node = child;
    }
    return node;
  }

  private parent(path: string, operation: string): { folder: FolderNode; name: string } {
    const node = this.find(posix.dirname(path));
    if (!(node instanceof FolderNode)) throw systemError('ENOENT', operation, path);
    return { folder: node, name: posix.basename(path) };
  }

  private recountUsed(): void {
    const seen = new Set<Node>();
    const visit = (node: Node): number => {
      if (seen.has(node)) return 0;
      seen.add(node);
      if (node instanceof FileNode) return node.seen.sizeBytes;
      let sum = 0;
      for (const child of node.entries.values()) sum += visit(child);
      return sum;
    };
    this.usedBytes = visit(this.root);
  }
}

class MemoryFile implements DiskFile {
  readonly path: string;
  private readonly disk: MemoryDisk;
  private readonly node: FileNode;
  private readonly generation: number;
  private isOpen = true;

  constructor(disk: MemoryDisk, path: string, node: FileNode, generation: number) {
    this.disk = disk;
    this.path = path;
    this.node = node;
    this.generation = generation;
  }

  sizeBytes(): number {
    this.check('fstat');
    return this.node.seen.sizeBytes;
  }

  writeSync(buffer: Buffer, offset: number, length: number, position: number): number {
    this.check('write');
    const isShort = this.disk.hit('write', this.path);
    this.disk.change('write', this.path);
    const wanted = isShort ? length >> 1 : length;
    const taken = this.disk.take(this.node, position, wanted);
    if (taken === 0 && wanted > 0) throw systemError('ENOSPC', 'write', this.path);
    this.node.apply({ kind: 'write', position, bytes: Buffer.from(buffer.subarray(offset, offset + taken)) });
    this.disk.touch(this.node);
    return taken;
  }

  /** The thread pool takes the bytes some time after the call: whoever reuses the buffer before it is found out. */
  async write(buffer: Buffer, offset: number, length: number, position: number): Promise<number> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    return this.writeSync(buffer, offset, length, position);
  }

  readSync(buffer: Buffer, offset: number, length: number, position: number): number {
    this.check('read');
    const isShort = this.disk.hit('read', this.path);
    const end = Math.min(this.node.seen.sizeBytes, position + (isShort ? length >> 1 : length));
    if (position >= end) return 0;
    this.node.seen.buffer.copy(buffer, offset, position, end);
    return end - position;
  }

  /** Late, like `write`, though not by a turn: who closes the file too early, or looks at the bytes, is found out. */
  async read(buffer: Buffer, offset: number, length: number, position: number): Promise<number> {
    await Promise.resolve();
    return this.readSync(buffer, offset, length, position);
  }

  truncate(sizeBytes: number): void {
    this.check('ftruncate');
    this.disk.hit('truncate', this.path);
    this.disk.change('truncate', this.path);
    this.disk.give(this.node.seen.sizeBytes - sizeBytes);
    this.node.apply({ kind: 'truncate', sizeBytes });
    this.disk.touch(this.node);
  }

  async datasync(): Promise<void> {
    this.datasyncSync();
  }

  datasyncSync(): void {
    this.check('fdatasync');
    this.disk.hit('datasync', this.path);
    this.disk.change('datasync', this.path);
    this.node.sync();
  }

  close(): void {
    this.isOpen = false;
  }

  private check(operation: string): void {
    if (!this.isOpen) throw systemError('EBADF', operation, this.path);
    if (!this.disk.isCurrent(this.generation)) throw systemError('EIO', operation, this.path);
  }
}

/** Leaves in `durable`, and then in `seen`, what a machine might find of the unsynced operations after power loss. */
function loseData(node: FileNode, random: SeededRandom): void {
  const operations = node.unsynced;
  node.unsynced = [];
  const choice = random.below(4);
  if (choice === 0) {
    // Everything happened to be written back in time.
    for (const operation of operations) node.durable.apply(operation);
  } else if (choice === 1) {
    const kept = random.below(operations.length + 1);
    for (const operation of operations.slice(0, kept)) node.durable.apply(operation);
    const torn = operations[kept];
    if (torn?.kind === 'write') applyTorn(node, torn, random);
  } else if (choice === 2) {
    // Pages are written back in any order: later writes may be there and earlier ones not, with zeros between.
    for (const operation of operations) {
      if (random.chance(0.5)) node.durable.apply(operation);
      else if (operation.kind === 'write' && random.chance(0.3)) applyTorn(node, operation, random);
    }
  }
  node.seen.copyOf(node.durable);
}

function applyTorn(node: FileNode, write: DataOperation & { kind: 'write' }, random: SeededRandom): void {
  const from = random.chance(0.7) ? 0 : random.below(write.bytes.length + 1);
  const to = from + random.below(write.bytes.length - from + 1);
  if (to === from) return;
  node.durable.apply({ kind: 'write', position: write.position + from, bytes: write.bytes.subarray(from, to) });
}

function parts(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}

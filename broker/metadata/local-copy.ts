/**
 * What this broker has acted on of the metadata log, on its own disk: a snapshot and the batches since.
 *
 * It is how a broker notices after a restart that the store was put back to an earlier time: what it acted on once must
 * still be there; and how it finds out what was removed since. Nothing is synced, for an older copy only knows less;
 * each batch carries a checksum, and what follows a torn one does not count.
 */
import { crc32c } from '../protocol/mod.ts';
import { BrokerError, type Disk, type DiskFile, type Logger } from '../std/mod.ts';
import { EMPTY_IMAGE, ImageBuilder, type MetadataImage } from './image.ts';
import { decodeBatch } from './records.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts';

/** Beyond it the batches give way to a new snapshot. */
const TAIL_BYTES_MAX = 1024 * 1024;
/** Length, checksum, offset. */
const FRAME_BYTES = 16;
const FORMAT = 1;

export interface KnownMetadata {
  readonly image: MetadataImage;
  /** The batch before the image's next offset; undefined where only a snapshot is known. */
  readonly lastPayload: Buffer | undefined;
}

export class LocalCopy {
  private readonly disk: Disk;
  private readonly folder: string;
  private readonly log: Logger;
  private tail: DiskFile | undefined;
  private tailBytes = 0;

  constructor(options: { readonly disk: Disk; readonly folder: string; readonly log: Logger }) {
    this.disk = options.disk;
    this.folder = options.folder;
    this.log = options.log;
  }

  /** What the copy says; undefined when there is none, or none that can be read. */
  read(): KnownMetadata | undefined {
    try {
      const path = this.path('snapshot');
      if (!this.disk.exists(path)) return undefined;
      const frames = framesOf(this.disk.readFile(path));
      const [head, ...chunks] = frames;
      if (head === undefined || head.payload.length !== 9 || head.payload.readUInt8(0) !== FORMAT) return undefined;
      if (chunks.length !== head.payload.readUInt32BE(1) || chunks.length === 0) return undefined;
      const hasLast = head.payload.readUInt32BE(5) === 1;
      const last = hasLast ? chunks.pop() : undefined;
      const builder = new ImageBuilder(EMPTY_IMAGE);
      for (const batch of decodeSnapshot(chunks.map(({ payload }) => payload))) builder.apply(batch, head.offset - 1);
      let lastPayload = last?.payload;
      const tail = this.path('tail');
      for (const { offset, payload } of this.disk.exists(tail) ? framesOf(this.disk.readFile(tail)) : []) {
        if (offset !== builder.finish().image.nextOffset) continue;
        builder.apply(decodeBatch(payload), offset);
        lastPayload = payload;
      }
      return { image: builder.finish().image, lastPayload };
    } catch (error) {
      this.log.warn({ err: error, folder: this.folder }, 'the local copy of the metadata cannot be read');
      return undefined;
    }
  }

  /** Adds batches that follow what is known; `known` is what they lead to. */
  add(batches: readonly { readonly offset: number; readonly payload: Buffer }[], known: KnownMetadata): void {
    if (this.tail === undefined || this.tailBytes > TAIL_BYTES_MAX) {
      this.replace(known);
      return;
    }
    this.guarded(() => {
      const bytes = Buffer.concat(batches.map(({ offset, payload }) => frame(offset, payload)));
      this.write(this.tail as DiskFile, bytes, this.tailBytes);
      this.tailBytes += bytes.length;
    });
  }

  /** Writes the whole anew, as after a snapshot of the store took the place of batches. */
  replace({ image, lastPayload }: KnownMetadata): void {
    // A change of several batches is under way: the next call comes with its end.
    if (image.unfinished !== undefined) return;
    this.guarded(() => {
      this.disk.makeFolder(this.folder);
      const chunks = [...encodeSnapshot(image), ...(lastPayload === undefined ? [] : [lastPayload])];
      const head = Buffer.alloc(9);
      head.writeUInt8(FORMAT, 0);
      head.writeUInt32BE(chunks.length, 1);
      head.writeUInt32BE(lastPayload === undefined ? 0 : 1, 5);
      const bytes = Buffer.concat([head, ...chunks].map((payload) => frame(image.nextOffset, payload)));
      const temporary = this.disk.open(this.path('snapshot.tmp'), 'create');
      try {
        temporary.truncate(0);
        this.write(temporary, bytes, 0);
      } finally {
        temporary.close();
      }
      this.disk.rename(this.path('snapshot.tmp'), this.path('snapshot'));
      this.tail?.close();
      this.tail = this.disk.open(this.path('tail'), 'create');
      this.tail.truncate(0);
      this.tailBytes = 0;
    });
  }

  close(): void {
    this.tail?.close();
    this.tail = undefined;
  }

  private path(name: string): string {
    return `${this.folder}/${name}`;
  }

  private write(file: DiskFile, bytes: Buffer, from: number): void {
    let written = 0;
    while (written < bytes.length) written += file.writeSync(bytes, written, bytes.length - written, from + written);
  }

  /** A copy that cannot be written is only an older one; the next batch tries to write it whole. */
  private guarded(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.tail = undefined;
      this.log.warn({ err: error, folder: this.folder }, 'the local copy of the metadata could not be written');
      if (error instanceof BrokerError) throw error;
    }
  }
}

function frame(offset: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(FRAME_BYTES);
  head.writeUInt32BE(payload.length, 0);
  head.writeUInt32BE(crc32c(payload, 0, payload.length), 4);
  head.writeBigUInt64BE(BigInt(offset), 8);
  return Buffer.concat([head, payload]);
}

/** Whole frames from the start on, up to the first that is torn. */
function framesOf(bytes: Buffer): { offset: number; payload: Buffer }[] {
  const frames: { offset: number; payload: Buffer }[] = [];
  for (let at = 0; at + FRAME_BYTES <= bytes.length; ) {
    const end = at + FRAME_BYTES + bytes.readUInt32BE(at);
    if (end > bytes.length) break;
    const payload = bytes.subarray(at + FRAME_BYTES, end);
    if (crc32c(payload, 0, payload.length) !== bytes.readUInt32BE(at + 4)) break;
    frames.push({ offset: Number(bytes.readBigUInt64BE(at + 8)), payload });
    at = end;
  }
  return frames;
}

/** One of `log.dirs`: whether it can be used, and whether there is room in it. */
import type { Disk } from '../std/mod.ts';

/**
 * A folder counts as full for so long after a write found no room, and until there is so much again: else replicas
 * would come and go with every batch that happens to fit.
 */
const FULL_FOR_MS = 5000;
const ROOM_AGAIN_BYTES = 64 * 1024 * 1024;
const ROOM_AGAIN_SHARE = 0.02;

export class LogFolder {
  readonly path: string;
  readonly directoryId: string;
  /** For good: only a restart, with the disk mended, brings it back. */
  isOffline = false;
  /** Writes in a row that failed for another reason than want of room. */
  failedWrites = 0;
  private fullAtMs = Number.NEGATIVE_INFINITY;

  constructor(path: string, directoryId: string) {
    this.path = path;
    this.directoryId = directoryId;
  }

  /** A write found no room. */
  foundFull(nowMs: number): void {
    this.fullAtMs = nowMs;
  }

  isFull(nowMs: number, disk: Disk): boolean {
    if (this.isOffline || this.fullAtMs === Number.NEGATIVE_INFINITY) return false;
    if (nowMs - this.fullAtMs < FULL_FOR_MS) return true;
    const { freeBytes, totalBytes } = disk.space(this.path);
    return freeBytes < Math.min(ROOM_AGAIN_BYTES, totalBytes * ROOM_AGAIN_SHARE);
  }
}

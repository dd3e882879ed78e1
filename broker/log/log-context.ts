/** What every partition's log shares with the others of its broker. */
import type { Runtime } from '../std/mod.ts';
import type { Arena } from './arena.ts';
import type { LogManagerConfig } from './log-config.ts';
import type { LogFolder } from './log-folder.ts';
import type { ReadAhead } from './read-ahead.ts';
import type { ReadBuffers } from './read-buffers.ts';

export interface LogContext {
  readonly runtime: Runtime;
  readonly config: LogManagerConfig;
  readonly arena: Arena;
  readonly readBuffers: ReadBuffers;
  readonly readAhead: ReadAhead;
  /** `write` runs at the end of this turn. */
  markDirty(write: () => void): void;
  takeOffline(folder: LogFolder, error: unknown): void;
  /** A write in the folder found no room. */
  foundFull(folder: LogFolder): void;
  /** A flush of a log took that long. */
  flushed(elapsedMs: number): void;
  /** Records were deleted from a log in this folder: its new start must be remembered. */
  logStartMoved(folder: LogFolder): void;
}

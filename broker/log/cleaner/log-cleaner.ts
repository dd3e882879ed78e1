/** Chooses the log to compact, has it done off the loop, and swaps the result in. */
import type { OffsetCheckpoint } from '../checkpoints.ts';
import type { LogContext } from '../log-context.ts';
import type { PartitionLog } from '../partition-log.ts';

export class LogCleaner {
  constructor(_context: LogContext) {}
  restore(_offsets: ReadonlyMap<string, number>): void {}
  forget(_name: string): void {}
  checkpoint(_logs: readonly OffsetCheckpoint[]): OffsetCheckpoint[] {
    return [];
  }
  async cleanOnce(_logs: readonly PartitionLog[]): Promise<boolean> {
    return false;
  }
}

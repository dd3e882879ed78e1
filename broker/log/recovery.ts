/**
 * Opening a partition's folder: whatever state a crash left it in, what comes out is a list of segments of whole, sound
 * batches with indexes that fit, and the producer state and leader epochs that belong to them.
 *
 * Below the recovery point everything was synced and is trusted. From there on, after an unclean stop, every batch is
 * checked; the log ends at the first that is not whole, and later segments go. After a clean stop only the end is read.
 */
import {
  batchBaseOffset,
  batchLastOffset,
  batchMaxTimestamp,
  batchPartitionLeaderEpoch,
  batchSizeBytes,
} from '../protocol/mod.ts';
import type { Disk, Logger } from '../std/mod.ts';
import {
  CLEANED_SUFFIX,
  DELETED_SUFFIX,
  LOG_SUFFIX,
  parseFileName,
  SNAPSHOT_SUFFIX,
  SWAP_SUFFIX,
  segmentFileName,
} from './file-names.ts';
import type { LeaderEpochs } from './leader-epochs.ts';
import type { LogConfig } from './log-config.ts';
import { scanBatches } from './log-scan.ts';
import { decodeProducerSnapshot } from './producer-snapshot.ts';
import type { ProducerStates } from './producer-state.ts';
import { Segment } from './segment.ts';
import type { SegmentList } from './segment-list.ts';

/** Of a sound log so much is read at a time, from its last index entry to its end. */
export const TAIL_READ_BYTES = 16 * 1024;
const SCAN_READ_BYTES = 1024 * 1024;

export interface RecoveryOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly config: LogConfig;
  readonly nowMs: number;
  readonly isClean: boolean;
  /** Called before an index that makes no sense is written anew, though the last stop was clean. */
  readonly beforeRebuild: () => void;
  readonly recoveryPoint: number;
  readonly logStartOffset: number;
  readonly leaderEpochs: LeaderEpochs;
  readonly producers: ProducerStates;
  readonly log: Logger;
}

export interface RecoveredLog {
  readonly segments: Segment[];
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly recoveryPoint: number;
}

export async function recoverLog(options: RecoveryOptions): Promise<RecoveredLog> {
  const { disk, folder } = options;
  tidyFolder(disk, folder);
  const segments = findSegments(options);
  const firstBase = segments[0]?.baseOffset ?? 0;
  let logStartOffset = Math.max(options.logStartOffset, firstBase);

  // The segment that holds the recovery point is the first in doubt; with it go the producer snapshots past its base.
  const doubtful = options.isClean ? segments.length : firstDoubtful(segments, options.recoveryPoint);
  const isFullyTrusted = doubtful >= segments.length;
  for (const segment of segments.slice(0, doubtful)) ensureIndexes(segment);
  if (options.isClean && segments.some((segment) => needsRebuild.has(segment))) options.beforeRebuild();

  const trustedBase = isFullyTrusted ? Number.POSITIVE_INFINITY : (segments[doubtful] as Segment).baseOffset;
  const snapshotOffset = restoreProducers(options, trustedBase);
  let endOffset = firstBase;
  let cutAt: number | undefined;
  for (let slot = 0; slot < segments.length; slot++) {
    const segment = segments[slot] as Segment;
    const isDoubtful = slot >= doubtful || needsRebuild.has(segment);
    const isLast = slot === segments.length - 1;
    const next = segments[slot + 1]?.baseOffset;
    if (!isDoubtful && !isLast && next !== undefined && next <= snapshotOffset) {
      segment.syncedBytes = segment.sizeBytes;
      endOffset = next;
      continue;
    }
    // Segments begin where the one before ended, and the cleaner stays below the recovery point: a gap up here is the
    // tail of a file that was never written back, and what follows it cannot be kept.
    if (slot > doubtful && segment.baseOffset > endOffset) {
      options.log.warn({ folder, segment: segment.baseOffset, endOffset }, 'log ends before its next segment begins');
      cutAt = slot - 1;
      break;
    }
    endOffset = Math.max(endOffset, segment.baseOffset);
    const sound = await loadSegment(segment, options, { isDoubtful, snapshotOffset, endOffset });
    endOffset = sound.endOffset;
    if (!isDoubtful) segment.syncedBytes = segment.sizeBytes;
    if (sound.position < segment.sizeBytes) {
      options.log.warn(
        { folder, segment: segment.baseOffset, sizeBytes: segment.sizeBytes, soundBytes: sound.position, endOffset },
        'log cut back to its last whole batch',
      );
      segment.truncate(sound.position, endOffset);
      cutAt = slot;
      break;
    }
  }
  if (cutAt !== undefined) {
    for (const later of segments.splice(cutAt + 1)) {
      later.closeFile();
      later.removeFiles();
    }
  }
  if (segments.length > 0 && endOffset < logStartOffset) {
    // The start was moved past all that survived: nothing here may be read again.
    for (const segment of segments.splice(0)) {
      segment.closeFile();
      segment.removeFiles();
    }
  }
  if (segments.length === 0) {
    endOffset = logStartOffset;
    segments.push(Segment.create({ disk, folder, baseOffset: logStartOffset, nowMs: options.nowMs }));
    options.producers.restore([]);
  }
  logStartOffset = Math.max(logStartOffset, (segments[0] as Segment).baseOffset);
  if (options.leaderEpochs.mustRebuild) await rebuildEpochs(options, segments);
  options.leaderEpochs.truncateFromEnd(endOffset);
  options.leaderEpochs.truncateFromStart(logStartOffset);
  removeSnapshots(disk, folder, (offset) => offset > endOffset || (!options.isClean && offset > trustedBase));
  const recoveryPoint = options.isClean ? endOffset : Math.min(options.recoveryPoint, endOffset, trustedBase);
  return { segments, logStartOffset, logEndOffset: endOffset, recoveryPoint };
}

/** Segments whose indexes are missing or cannot be right: their files are read once more. */
const needsRebuild = new WeakSet<Segment>();

function ensureIndexes(segment: Segment): void {
  if (!segment.offsetIndex.isSane(segment.sizeBytes) || !segment.timeIndex.isSane()) needsRebuild.add(segment);
  segment.unloadIndexes();
}

function firstDoubtful(segments: readonly Segment[], recoveryPoint: number): number {
  let slot = segments.length - 1;
  while (slot > 0 && (segments[slot] as Segment).baseOffset > recoveryPoint) slot -= 1;
  return Math.max(0, slot);
}

/** Finishes or undoes what was under way: deletions go through, a swap is completed, unfinished cleanings vanish. */
function tidyFolder(disk: Disk, folder: string): void {
  const names = disk.list(folder);
  const swaps: { baseOffset: number; from: string }[] = [];
  // The log is the first to be renamed to `.swap`: once it is, the indexes that were cleaned with it belong to it.
  for (const name of names) {
    if (!name.endsWith(CLEANED_SUFFIX)) continue;
    const parsed = parseFileName(name);
    const swapLog = `${segmentFileName(parsed?.baseOffset ?? 0, LOG_SUFFIX)}${SWAP_SUFFIX}`;
    if (parsed === undefined || !names.includes(swapLog)) continue;
    disk.rename(`${folder}/${name}`, `${folder}/${segmentFileName(parsed.baseOffset, parsed.kind)}${SWAP_SUFFIX}`);
  }
  for (const name of disk.list(folder)) {
    const parsed = parseFileName(name);
    const path = `${folder}/${name}`;
    if (name.endsWith('.tmp')) disk.removeFile(path);
    if (parsed === undefined) continue;
    if (parsed.state === DELETED_SUFFIX || parsed.state === CLEANED_SUFFIX) disk.removeFile(path);
    else if (parsed.state === SWAP_SUFFIX && parsed.kind === LOG_SUFFIX) {
      swaps.push({ baseOffset: parsed.baseOffset, from: path });
    }
  }
  // A `.swap` log is complete and synced. The segments that it replaces are those from its base to its last offset.
  for (const swap of swaps) {
    const lastOffset = lastOffsetOf(disk, swap.from) ?? swap.baseOffset;
    for (const name of disk.list(folder)) {
      const parsed = parseFileName(name);
      if (parsed === undefined || parsed.state !== '' || parsed.kind === SNAPSHOT_SUFFIX) continue;
      if (parsed.baseOffset >= swap.baseOffset && parsed.baseOffset <= lastOffset) {
        const logPath = `${folder}/${segmentFileName(parsed.baseOffset, LOG_SUFFIX)}`;
        const isWithin = (lastOffsetOf(disk, logPath) ?? parsed.baseOffset) <= lastOffset;
        // At the swap's own base the final rename replaces; an index there may be the new one already.
        if (isWithin && parsed.baseOffset !== swap.baseOffset) disk.removeFile(`${folder}/${name}`);
      }
    }
  }
  const isLog = (name: string): boolean => name.endsWith(`${LOG_SUFFIX}${SWAP_SUFFIX}`);
  const swapped = disk.list(folder).filter((name) => name.endsWith(SWAP_SUFFIX));
  for (const name of [...swapped.filter((each) => !isLog(each)), ...swapped.filter(isLog)]) {
    disk.rename(`${folder}/${name}`, `${folder}/${name.slice(0, -SWAP_SUFFIX.length)}`);
  }
}

function lastOffsetOf(disk: Disk, path: string): number | undefined {
  if (!disk.exists(path)) return undefined;
  const bytes = disk.readFile(path);
  let last: number | undefined;
  for (let at = 0; at + 61 <= bytes.length && batchSizeBytes(bytes, at) >= 61; at += batchSizeBytes(bytes, at)) {
    last = batchLastOffset(bytes, at);
  }
  return last;
}

function findSegments(options: RecoveryOptions): Segment[] {
  const { disk, folder } = options;
  const segments: Segment[] = [];
  const names = disk.list(folder);
  for (const name of names) {
    const parsed = parseFileName(name);
    if (parsed === undefined) continue;
    if (parsed.kind === LOG_SUFFIX) {
      const stat = disk.stat(`${folder}/${name}`);
      segments.push(
        new Segment({
          disk,
          folder,
          baseOffset: parsed.baseOffset,
          sizeBytes: stat?.sizeBytes ?? 0,
          createdMs: stat?.modifiedMs ?? options.nowMs,
        }),
      );
    } else if (parsed.kind !== SNAPSHOT_SUFFIX && !names.includes(segmentFileName(parsed.baseOffset, LOG_SUFFIX))) {
      disk.removeFile(`${folder}/${name}`);
    }
  }
  return segments.sort((left, right) => left.baseOffset - right.baseOffset);
}

/** Loads the newest sound snapshot at or below `limit`; returns the offset from which batches must be replayed. */
function restoreProducers(
  options: Pick<RecoveryOptions, 'disk' | 'folder' | 'producers' | 'log'>,
  limit: number,
): number {
  const { disk, folder } = options;
  const offsets = disk
    .list(folder)
    .map(parseFileName)
    .filter((parsed) => parsed !== undefined && parsed.kind === SNAPSHOT_SUFFIX && parsed.baseOffset <= limit)
    .map((parsed) => parsed?.baseOffset as number)
    .sort((left, right) => right - left);
  for (const offset of offsets) {
    const path = `${folder}/${segmentFileName(offset, SNAPSHOT_SUFFIX)}`;
    try {
      options.producers.restore(decodeProducerSnapshot(disk.readFile(path)));
      return offset;
    } catch (error) {
      options.log.warn({ path, err: error }, 'unreadable producer snapshot removed');
      disk.removeFile(path);
    }
  }
  options.producers.restore([]);
  return 0;
}

/** What producers were when the log ended at `endOffset`: from a snapshot, and the batches after it. */
export async function rebuildProducers(
  options: Pick<RecoveryOptions, 'disk' | 'folder' | 'producers' | 'log'>,
  segments: SegmentList,
  endOffset: number,
): Promise<void> {
  removeSnapshots(options.disk, options.folder, (offset) => offset > endOffset);
  const from = restoreProducers(options, endOffset);
  for (const segment of segments.from(from)) {
    await scanBatches(segment, { from: 0, to: segment.sizeBytes, verify: false }, (buffer, at) => {
      if (batchBaseOffset(buffer, at) >= from) options.producers.apply(buffer, at);
      return true;
    });
  }
}

/** The first batch of every epoch says where it began; only headers are looked at. */
async function rebuildEpochs({ leaderEpochs, folder, log }: RecoveryOptions, segments: Segment[]): Promise<void> {
  const hasRecords = segments.some(({ sizeBytes }) => sizeBytes > 0);
  if (hasRecords)
    log.warn({ folder }, 'leader epochs are missing or unreadable: made anew from the headers of all batches');
  leaderEpochs.beginRebuild();
  for (const segment of segments) {
    await scanBatches(segment, { from: 0, to: segment.sizeBytes, verify: false }, (buffer, at) => {
      leaderEpochs.assign(batchPartitionLeaderEpoch(buffer, at), batchBaseOffset(buffer, at));
      return true;
    });
  }
}

async function loadSegment(
  segment: Segment,
  options: RecoveryOptions,
  state: { readonly isDoubtful: boolean; readonly snapshotOffset: number; readonly endOffset: number },
): Promise<{ position: number; endOffset: number }> {
  const { config, leaderEpochs, producers } = options;
  const fileBytes = segment.sizeBytes;
  let endOffset = state.endOffset;
  // A sound segment is read from its last index entry, unless producers have to be replayed from before.
  const mayStartLate = !state.isDoubtful && producersAreAt(state.snapshotOffset, segment);
  const from = mayStartLate ? segment.offsetIndex.lookup(Math.max(state.snapshotOffset - 1, segment.baseOffset)) : 0;
  const transactionsKept = state.isDoubtful ? [] : segment.transactionIndex.all();
  if (state.isDoubtful) {
    segment.startIndexesEmpty();
    segment.sizeBytes = 0;
  }
  const position = await scanBatches(
    segment,
    { from, to: fileBytes, verify: state.isDoubtful, pieceBytes: state.isDoubtful ? SCAN_READ_BYTES : TAIL_READ_BYTES },
    (buffer, at) => {
      const baseOffset = batchBaseOffset(buffer, at);
      const lastOffset = batchLastOffset(buffer, at);
      if (state.isDoubtful && (baseOffset < endOffset || lastOffset - segment.baseOffset > 0x7fff_ffff)) return false;
      endOffset = lastOffset + 1;
      if (state.isDoubtful) {
        segment.appended(buffer, at, batchSizeBytes(buffer, at), config.indexIntervalBytes);
        leaderEpochs.assign(batchPartitionLeaderEpoch(buffer, at), baseOffset);
      } else {
        segment.noteTimestamp(batchMaxTimestamp(buffer, at), lastOffset);
        // Where it began may lie before what is read here.
        if (batchPartitionLeaderEpoch(buffer, at) > leaderEpochs.latestEpoch) leaderEpochs.distrust();
      }
      if (baseOffset >= state.snapshotOffset) {
        const completed = producers.apply(buffer, at);
        if (completed?.isAborted && state.isDoubtful) {
          const lastStableOffset = producers.lastStableOffsetAfter(completed);
          segment.transactionIndex.append({ ...completed, lastStableOffset });
        }
      }
      return true;
    },
  );
  if (state.isDoubtful) {
    segment.sizeBytes = fileBytes;
    if (transactionsKept.length === 0) segment.finish();
  }
  return { position, endOffset };
}

function producersAreAt(snapshotOffset: number, segment: Segment): boolean {
  return snapshotOffset >= segment.baseOffset;
}

export function removeSnapshots(disk: Disk, folder: string, isUnwanted: (offset: number) => boolean): void {
  for (const name of disk.list(folder)) {
    const parsed = parseFileName(name);
    if (parsed === undefined || parsed.kind !== SNAPSHOT_SUFFIX || parsed.state !== '') continue;
    if (isUnwanted(parsed.baseOffset)) disk.removeFile(`${folder}/${name}`);
  }
}

/**
 * Where a follower cuts its log when its history is not its leader's (KIP-101, KIP-279).
 *
 * The leader named its largest epoch that is not above the follower's last one, and where that epoch ends in the
 * leader's log. What both logs hold of that epoch they hold alike, so the shorter of the two ends is safe to cut at.
 * When the follower never saw that epoch, it cuts where its own largest smaller epoch ends and asks again: each round
 * removes an epoch that the leader does not have. The high watermark is no guide, for a follower's is always a fetch
 * old.
 */
import type { EpochEndOffset } from '../log/mod.ts';

export function truncationPoint(options: {
  /** What the leader said: an epoch and its end in the leader's log. */
  readonly diverging: EpochEndOffset;
  /** The follower's own largest epoch not above `diverging.epoch`, and its end; epoch -1 when there is none. */
  readonly own: EpochEndOffset;
  readonly logEndOffset: number;
}): number {
  const { diverging, own, logEndOffset } = options;
  if (own.epoch === diverging.epoch) return Math.min(own.endOffset, diverging.endOffset, logEndOffset);
  if (own.epoch >= 0) return Math.min(own.endOffset, logEndOffset);
  // Nothing of ours is as old as that epoch: whatever lies past its end is not the leader's.
  return Math.min(diverging.endOffset, logEndOffset);
}

export type RangeRepair =
  | { readonly kind: 'truncate'; readonly offset: number }
  | { readonly kind: 'restart'; readonly offset: number }
  | { readonly kind: 'retry' };

/** What a follower does whose fetch offset is outside of its leader's log. */
export function repairRange(options: {
  readonly logEndOffset: number;
  readonly leaderStartOffset: number;
  readonly leaderEndOffset: number;
}): RangeRepair {
  const { logEndOffset, leaderStartOffset, leaderEndOffset } = options;
  if (leaderEndOffset < logEndOffset) return { kind: 'truncate', offset: leaderEndOffset };
  if (leaderStartOffset > logEndOffset) return { kind: 'restart', offset: leaderStartOffset };
  return { kind: 'retry' };
}

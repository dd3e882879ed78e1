/**
 * The high watermark: the first offset that is not yet on every replica that counts.
 *
 * Consumers read below it and never at or above it, so it may only move forward. Members of the *maximal* in-sync set
 * count, which is the committed one and whoever is being added (KIP-497), and also followers that have caught up and
 * may join: were the watermark to run ahead of them, they could chase it for ever.
 */
import { assert } from '../std/mod.ts';

export function nextHighWatermark<Follower extends { readonly logEndOffset: number }>(options: {
  readonly current: number;
  readonly leaderLogEnd: number;
  readonly followers: Iterable<Follower>;
  /** Whether the watermark waits for this follower. Asked only about those that hold it back. */
  readonly counts: (follower: Follower) => boolean;
}): number {
  const { current, leaderLogEnd, followers, counts } = options;
  assert(current <= leaderLogEnd, 'the high watermark is past the end of the leader log');

  let lowest = leaderLogEnd;
  for (const follower of followers) {
    if (follower.logEndOffset < lowest && counts(follower)) lowest = follower.logEndOffset;
  }

  // A new leader does not know yet where its followers stand, and a follower that enters the set may have been told of
  // a watermark that is a fetch old. Hold still until they pass; never step back.
  return Math.max(lowest, current);
}

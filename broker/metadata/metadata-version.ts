/**
 * Which records the metadata log may hold, and in which shape: the level of one feature, kept in the log itself.
 *
 * A new kind of record, or a new version of one, comes with a new level, and is written only once the cluster is at
 * that level: `kafka-features.sh upgrade` raises it when every registered broker knows it. So brokers of two releases
 * share one log for as long as an upgrade takes, and one that is too old says so instead of guessing.
 */
import { BrokerError } from '../std/mod.ts';

export const METADATA_VERSION = {
  feature: 'ottla.metadata.version',
  /** The levels that this build reads and writes. 1: all records that there are so far. */
  minLevel: 1,
  maxLevel: 1,
} as const;

/** A log that is ahead of this build, whose records it must not guess at. */
export function tooNew(what: string): BrokerError {
  const { feature, maxLevel } = METADATA_VERSION;
  return new BrokerError(
    'store.tooNew',
    `the metadata log holds ${what}; this broker knows ${feature} up to ${maxLevel}: upgrade the broker`,
  );
}

/** Election rules for tests: every topic asks for one in-sync replica and accepts no loss, unless said otherwise. */
import type { ElectionRules } from './election-rules.ts';

export function electionRules(
  change: {
    readonly minInSyncReplicas?: number;
    readonly allowsUnclean?: boolean;
    readonly dying?: number[];
    readonly fullDirectories?: readonly string[];
  } = {},
): ElectionRules {
  return {
    minInSyncReplicas: () => change.minInSyncReplicas ?? 1,
    allowsUncleanElection: () => change.allowsUnclean ?? false,
    fullDirectories: new Set(change.fullDirectories ?? []),
    dying: new Set(change.dying ?? []),
  };
}

/**
 * What becomes of one partition when its in-sync set, its replicas or the life of its brokers change: the new in-sync
 * set, the replicas that may lead without it (KIP-966), the leader, and the end of a reassignment.
 *
 * The rule that must hold: nobody leads who may lack a committed record, unless nobody else is left and either the
 * topic accepts loss or everybody crashed and this one led last. Such a leader starts RECOVERING.
 */
import { NO_LEADER_CHANGE, neededInSync, type PartitionImage, type RecordOf } from '../metadata/mod.ts';

export const NO_LEADER = -1;
const RECOVERING = 1;
const RECOVERED = 0;
const NO_RECOVERY_CHANGE = -1;

/**
 * - `online`: keep the leader while it may lead, else another that may.
 * - `preferred`: the first replica, where it may lead.
 * - `unclean`: as online, and when nobody may lead, any replica that is alive.
 */
export type Election = 'online' | 'preferred' | 'unclean';

export interface PartitionTarget {
  readonly inSyncReplicas?: readonly number[];
  readonly replicas?: readonly number[];
  readonly adding?: readonly number[];
  readonly removing?: readonly number[];
  readonly isRecovering?: boolean;
  /** Replicas whose process died without a clean shutdown: what they acknowledged may not be on their disks. */
  readonly uncleanReplicas?: readonly number[];
  /** Replicas whose disk is gone: they never lead for having led last. */
  readonly emptyReplicas?: readonly number[];
}

export interface PartitionRules {
  readonly topicId: string;
  /** Alive, and not shutting down. */
  readonly mayLead: (brokerId: number) => boolean;
  /** min.insync.replicas, which may be more than there are replicas. */
  readonly minInSyncReplicas: number;
  readonly election: Election;
  /** The directory of a broker that is new to the partition. */
  readonly directoryOf: (brokerId: number, partition: number) => string;
  /** Whether the disk on which the broker has the partition is one that it still has. */
  readonly hasDirectory: (brokerId: number, partition: PartitionImage) => boolean;
}

/** Everything about the partition that the target changes, or undefined when nothing does. */
export function planPartitionChange(
  partition: PartitionImage,
  rules: PartitionRules,
  target: PartitionTarget = {},
): RecordOf<'PartitionChange'> | undefined {
  const assignment = finishReassignment(partition, target);
  let { inSyncReplicas } = assignment;
  const empty = target.emptyReplicas ?? [];
  const needed = neededInSync(rules.minInSyncReplicas, {
    replicas: assignment.replicas,
    addingReplicas: assignment.adding,
  });
  let eligible = eligibleReplicas(partition, assignment, needed, target);
  const lastKnown = partition.lastKnownEligible.filter((id) => assignment.replicas.includes(id) && !empty.includes(id));

  const mayLead = (id: number): boolean => rules.mayLead(id) && rules.hasDirectory(id, partition);
  const candidates = { replicas: assignment.replicas, inSyncReplicas, eligible, lastKnown };
  const elected = electLeader(partition, candidates, { mayLead, election: rules.election });
  let isRecovering = target.isRecovering ?? partition.isRecovering;
  if (elected.isUnclean) {
    inSyncReplicas = [elected.leader];
    eligible = [];
    isRecovering = true;
  } else if (eligible.includes(elected.leader)) {
    inSyncReplicas = [elected.leader];
    // Where one is enough, this one commits alone from now on.
    eligible = needed > 1 ? eligible.filter((id) => id !== elected.leader) : [];
  }
  // A replica that leaves must not go on under the epoch in which it was one.
  const losesReplica = partition.replicas.some((id) => !assignment.replicas.includes(id));
  const leader = elected.leader === partition.leader && !losesReplica ? NO_LEADER_CHANGE : elected.leader;
  const directories = assignment.replicas.map((id) => nextDirectoryOf(partition, id, rules, empty));

  const change: RecordOf<'PartitionChange'> = {
    kind: 'PartitionChange',
    partitionId: partition.partition,
    topicId: rules.topicId,
    isr: changed(partition.inSyncReplicas, inSyncReplicas),
    leader,
    replicas: changed(partition.replicas, assignment.replicas),
    removingReplicas: changed(partition.removingReplicas, assignment.removing),
    addingReplicas: changed(partition.addingReplicas, assignment.adding),
    leaderRecoveryState:
      isRecovering === partition.isRecovering ? NO_RECOVERY_CHANGE : isRecovering ? RECOVERING : RECOVERED,
    directories: changed(partition.directories, directories),
    eligibleLeaderReplicas: changed(partition.eligibleLeaderReplicas, eligible),
    lastKnownElr: changed(partition.lastKnownEligible, lastKnownLeader(partition, elected.leader, lastKnown, empty)),
  };
  return isNothing(change) ? undefined : change;
}

interface Assignment {
  readonly replicas: readonly number[];
  readonly inSyncReplicas: readonly number[];
  readonly adding: readonly number[];
  readonly removing: readonly number[];
}

/** A reassignment is over when every replica that stays is in sync; those that go, go then. */
function finishReassignment(partition: PartitionImage, target: PartitionTarget): Assignment {
  const replicas = target.replicas ?? partition.replicas;
  const inSyncReplicas = target.inSyncReplicas ?? partition.inSyncReplicas;
  const adding = target.adding ?? partition.addingReplicas;
  const removing = target.removing ?? partition.removingReplicas;
  const unfinished = { replicas, inSyncReplicas, adding, removing };
  if (adding.length + removing.length === 0) return unfinished;
  const staying = replicas.filter((id) => !removing.includes(id));
  const stayingInSync = inSyncReplicas.filter((id) => !removing.includes(id));
  const isOver = staying.length > 0 && staying.every((id) => stayingInSync.includes(id));
  return isOver ? { replicas: staying, inSyncReplicas: stayingInSync, adding: [], removing: [] } : unfinished;
}

/**
 * Below min.insync.replicas the high watermark stands still, so whoever was in sync when the set fell below it still
 * has every committed record and may lead once the set is empty. Who is no replica any more, or was none before this
 * change, keeps nothing.
 */
function eligibleReplicas(
  partition: PartitionImage,
  { replicas, inSyncReplicas }: Assignment,
  needed: number,
  { uncleanReplicas = [], emptyReplicas = [] }: PartitionTarget,
): readonly number[] {
  if (inSyncReplicas.length >= needed) return [];
  const candidates = new Set([...partition.eligibleLeaderReplicas, ...partition.inSyncReplicas]);
  const hasLeft = (id: number): boolean => !replicas.includes(id) || !partition.replicas.includes(id);
  const hasLost = (id: number): boolean => uncleanReplicas.includes(id) || emptyReplicas.includes(id);
  return [...candidates].filter((id) => !inSyncReplicas.includes(id) && !hasLeft(id) && !hasLost(id));
}

function electLeader(
  partition: PartitionImage,
  next: {
    readonly replicas: readonly number[];
    readonly inSyncReplicas: readonly number[];
    readonly eligible: readonly number[];
    readonly lastKnown: readonly number[];
  },
  { mayLead, election }: Pick<PartitionRules, 'mayLead' | 'election'>,
): { readonly leader: number; readonly isUnclean: boolean } {
  const isElectable = (id: number): boolean =>
    (next.inSyncReplicas.includes(id) || (next.inSyncReplicas.length === 0 && next.eligible.includes(id))) &&
    mayLead(id);
  const clean = (leader: number) => ({ leader, isUnclean: false });
  const [preferred] = next.replicas;
  if (election === 'preferred' && preferred !== undefined && isElectable(preferred)) return clean(preferred);
  if (isElectable(partition.leader)) return clean(partition.leader);
  const online = next.replicas.find(isElectable);
  if (online !== undefined) return clean(online);
  // Everybody who could lead crashed. Who led last has the longest log that anybody can know of.
  const [last] = next.lastKnown;
  const isEmpty = next.inSyncReplicas.length + next.eligible.length === 0;
  if (isEmpty && next.lastKnown.length === 1 && last !== undefined && mayLead(last)) {
    return { leader: last, isUnclean: true };
  }
  const unclean = election === 'unclean' ? next.replicas.find(mayLead) : undefined;
  return unclean === undefined ? clean(NO_LEADER) : { leader: unclean, isUnclean: true };
}

/** Remembered from the moment at which the partition loses its leader until it has one again. */
function lastKnownLeader(
  partition: PartitionImage,
  leader: number,
  lastKnown: readonly number[],
  empty: readonly number[],
): readonly number[] {
  if (leader !== NO_LEADER) return [];
  if (partition.leader === NO_LEADER) return lastKnown;
  return empty.includes(partition.leader) ? [] : [partition.leader];
}

function nextDirectoryOf(
  partition: PartitionImage,
  id: number,
  rules: PartitionRules,
  empty: readonly number[],
): string {
  const known = partition.directories[partition.replicas.indexOf(id)];
  return known === undefined || empty.includes(id) ? rules.directoryOf(id, partition.partition) : known;
}

function changed<Item>(before: readonly Item[], after: readonly Item[]): Item[] | null {
  const isSame = before.length === after.length && before.every((item, index) => item === after[index]);
  return isSame ? null : [...after];
}

function isNothing(change: RecordOf<'PartitionChange'>): boolean {
  return (
    change.isr === null &&
    change.leader === NO_LEADER_CHANGE &&
    change.replicas === null &&
    change.removingReplicas === null &&
    change.addingReplicas === null &&
    change.leaderRecoveryState === NO_RECOVERY_CHANGE &&
    change.directories === null &&
    change.eligibleLeaderReplicas === null &&
    change.lastKnownElr === null
  );
}

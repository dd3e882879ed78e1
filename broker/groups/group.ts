/**
 * The state of one classic group, and what follows from it without looking at the world: votes, who is missing,
 * whether a commit is legal. The shell in group-shard.ts owns timers and records.
 *
 *            join                    all joined or time is up            leader synced
 *   Empty ─────────▶ PreparingRebalance ─────────▶ CompletingRebalance ─────────▶ Stable
 *     ▲                 │      ▲                        │     join, leave, sync timeout   │
 *     └─────────────────┘      └────────────────────────┴─────────────────────────────────┘
 *       nobody is left
 */
import { readConsumerProtocolSubscription } from '../protocol/generated/consumer-protocol-subscription.ts';
import { ErrorCode, Reader } from '../protocol/mod.ts';
import type { Timer } from '../std/mod.ts';
import { type Member, metadataFor, type Protocol } from './member.ts';

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead';

const CONSUMER_PROTOCOL = 'consumer';
const SUBSCRIPTION_VERSION_MAX = 3;

export class Group {
  readonly id: string;
  state: GroupState = 'Empty';
  stateSinceMs: number;
  generationId = 0;
  protocolType: string | null = null;
  protocolName: string | null = null;
  leader: string | null = null;
  readonly members = new Map<string, Member>();
  readonly staticMembers = new Map<string, string>();
  /** Ids given out with MEMBER_ID_REQUIRED, until they join or their time is up. */
  readonly pendingMembers = new Map<string, Timer>();
  /** Members of the current generation that have not asked for their assignment yet. */
  readonly pendingSync = new Set<string>();
  rebalanceTimer: Timer | undefined;
  syncTimer: Timer | undefined;
  /** Somebody joined during the initial delay, so it is worth waiting longer. */
  hasNewMember = false;
  isInitialRebalance = false;
  /** The leader's assignment is on its way into the log. */
  isStoring = false;
  /** Topics the members subscribe to; undefined when that is not known. */
  subscribedTopics: ReadonlySet<string> | undefined;

  constructor(id: string, nowMs: number) {
    this.id = id;
    this.stateSinceMs = nowMs;
  }

  become(state: GroupState, nowMs: number): void {
    this.state = state;
    this.stateSinceMs = nowMs;
  }

  get awaitingJoin(): number {
    let count = 0;
    for (const member of this.members.values()) if (member.joining !== undefined) count++;
    return count;
  }

  get hasAllJoined(): boolean {
    return this.pendingMembers.size === 0 && this.awaitingJoin === this.members.size;
  }

  get rebalanceTimeoutMs(): number {
    let longest = 0;
    for (const { rebalanceTimeoutMs } of this.members.values()) longest = Math.max(longest, rebalanceTimeoutMs);
    return longest;
  }

  add(member: Member): void {
    if (this.members.size === 0) this.leader = null;
    this.members.set(member.id, member);
    this.leader ??= member.id;
    if (member.instanceId !== null) this.staticMembers.set(member.instanceId, member.id);
    this.pendingMembers.get(member.id)?.cancel();
    this.pendingMembers.delete(member.id);
  }

  remove(member: Member): void {
    member.sessionTimer?.cancel();
    this.members.delete(member.id);
    this.pendingSync.delete(member.id);
    if (member.instanceId !== null && this.staticMembers.get(member.instanceId) === member.id) {
      this.staticMembers.delete(member.instanceId);
    }
    if (this.leader === member.id) this.leader = this.members.keys().next().value ?? null;
  }

  /** The next leader must be one that has rejoined; false when nobody has. */
  electJoinedLeader(): boolean {
    const current = this.leader === null ? undefined : this.members.get(this.leader);
    if (current?.joining !== undefined) return true;
    for (const member of this.members.values()) {
      if (member.joining !== undefined) {
        this.leader = member.id;
        return true;
      }
    }
    return false;
  }

  /** Whether a member with these protocols can be in the group. */
  supports(protocolType: string, protocols: readonly Protocol[]): boolean {
    if (this.members.size === 0) return protocolType !== '' && protocols.length > 0;
    if (protocolType !== this.protocolType) return false;
    const common = this.commonProtocols();
    return protocols.some(({ name }) => common.has(name));
  }

  private commonProtocols(): Set<string> {
    let common: Set<string> | undefined;
    for (const member of this.members.values()) {
      const names = new Set(member.protocols.map(({ name }) => name));
      common = common === undefined ? names : new Set([...common].filter((name) => names.has(name)));
    }
    return common ?? new Set();
  }

  /** Each member votes for the first protocol on its list that all support. */
  selectProtocol(): string | null {
    const common = this.commonProtocols();
    const votes = new Map<string, number>();
    for (const member of this.members.values()) {
      const vote = member.protocols.find(({ name }) => common.has(name))?.name;
      if (vote !== undefined) votes.set(vote, (votes.get(vote) ?? 0) + 1);
    }
    let winner: string | null = null;
    for (const [name, count] of votes) if (winner === null || count > (votes.get(winner) ?? 0)) winner = name;
    return winner;
  }

  /** Learns from the members' subscriptions which topics the group reads, where they are Kafka's consumers. */
  updateSubscribedTopics(): void {
    this.subscribedTopics = undefined;
    if (this.protocolType !== CONSUMER_PROTOCOL) return;
    if (this.members.size === 0) {
      this.subscribedTopics = new Set();
      return;
    }
    if (this.protocolName === null) return;
    const topics = new Set<string>();
    for (const member of this.members.values()) {
      try {
        const reader = new Reader(metadataFor(member, this.protocolName));
        const version = Math.min(Math.max(reader.readInt16(), 0), SUBSCRIPTION_VERSION_MAX);
        for (const topic of readConsumerProtocolSubscription(reader, version).topics) topics.add(topic);
      } catch {
        // A member of the consumer type whose metadata is not Kafka's: then nothing is known of the group's topics.
        return;
      }
    }
    this.subscribedTopics = topics;
  }

  /** Whether this member may speak for itself; its instance id must still be its own. */
  checkMember(memberId: string, instanceId: string | null): number {
    if (instanceId !== null) {
      const owner = this.staticMembers.get(instanceId);
      if (owner === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
      if (owner !== memberId) return ErrorCode.FENCED_INSTANCE_ID;
    }
    return this.members.has(memberId) ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID;
  }

  /** The rules of OffsetCommit (KIP-211, KIP-345). */
  checkCommit(memberId: string, instanceId: string | null, generationId: number): number {
    if (this.state === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    if (generationId < 0 && this.members.size === 0) return ErrorCode.NONE;
    if (generationId >= 0 || memberId !== '' || instanceId !== null) {
      const errorCode = this.checkMember(memberId, instanceId);
      if (errorCode !== ErrorCode.NONE) return errorCode;
      if (generationId !== this.generationId) return ErrorCode.ILLEGAL_GENERATION;
    } else {
      return ErrorCode.UNKNOWN_MEMBER_ID;
    }
    return this.state === 'CompletingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
  }

  isSubscribedTo(topic: string): boolean {
    return this.state === 'Stable' && (this.subscribedTopics?.has(topic) ?? false);
  }
}

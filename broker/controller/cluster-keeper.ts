/**
 * What the active controller does without being asked: fences brokers that fell silent, gives leaderless partitions a
 * leader, and leads partitions back to their preferred replicas.
 *
 * A broker is fenced when its session ends, or at once when somebody found its process gone. While it is being fenced
 * it counts as dying, so that nothing is given to it between two batches.
 */
import type { MetadataImage, MetadataPosition } from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { type Clock, type Logger, ZERO_UUID } from '../std/mod.ts';
import { type AlteredPartitions, alterPartitions, type InSyncProposal } from './alter-partition.ts';
import { BrokerSessions } from './broker-sessions.ts';
import { electLeaderless, fenceBroker, type Registration, registerBroker } from './brokers.ts';
import type { Controller } from './controller.ts';
import { type ApiError, apiError, type Decision } from './decision.ts';
import type { ElectionRules, TopicRules } from './election-rules.ts';
import { balanceLeaders } from './elections.ts';
import { decideHeartbeat, type Heartbeat, type HeartbeatAnswer } from './heartbeats.ts';
import { NO_LEADER } from './partition-change.ts';
import { endedStopPermits } from './stop-permits.ts';

const CHECK_MS = 100;
/** Leaderless partitions are looked at again this often: a config may have come to allow an unclean election. */
const LEADERLESS_CHECK_MS = 1000;

export interface KeeperLimits {
  readonly sessionTimeoutMs: number;
  readonly balancesLeaders: boolean;
  readonly balanceIntervalMs: number;
}

export class ClusterKeeper {
  private readonly controller: Controller;
  private readonly image: () => MetadataImage;
  private readonly clock: Clock;
  private readonly log: Logger;
  private readonly limits: () => KeeperLimits;
  private readonly mayWriteFreely: () => boolean;
  private readonly sessions = new BrokerSessions();
  private readonly dying = new Set<number>();
  private readonly fullDirectories = new Set<string>();
  readonly rules: ElectionRules;
  private isClosed = false;
  private leaderlessDueMs = 0;
  private balanceDueMs = 0;

  constructor(options: {
    readonly controller: Controller;
    readonly image: () => MetadataImage;
    readonly clock: Clock;
    readonly log: Logger;
    readonly topicRules: TopicRules;
    readonly limits: () => KeeperLimits;
    /** Whether changes that can wait may be written to the store now. */
    readonly mayWriteFreely: () => boolean;
  }) {
    this.controller = options.controller;
    this.mayWriteFreely = options.mayWriteFreely;
    this.image = options.image;
    this.clock = options.clock;
    this.log = options.log;
    this.limits = options.limits;
    this.rules = {
      minInSyncReplicas: (image, topic) => options.topicRules.minInSyncReplicas(image, topic),
      allowsUncleanElection: (image, topic) => options.topicRules.allowsUncleanElection(image, topic),
      dying: this.dying,
      fullDirectories: this.fullDirectories,
    };
  }

  start(): void {
    this.controller.onActive((predecessorId) => this.takeUp(predecessorId));
    const tick = (): void => {
      if (this.isClosed) return;
      if (this.controller.isActive) this.check();
      this.clock.after(CHECK_MS, tick);
    };
    tick();
  }

  close(): void {
    this.isClosed = true;
  }

  private takeUp(predecessorId: number): void {
    const nowMs = this.clock.monotonicMs();
    this.dying.clear();
    this.fullDirectories.clear();
    this.sessions.restart(this.image(), predecessorId, nowMs, this.limits().sessionTimeoutMs);
    this.leaderlessDueMs = nowMs;
    this.balanceDueMs = nowMs + this.limits().balanceIntervalMs;
  }

  private check(): void {
    const nowMs = this.clock.monotonicMs();
    const { sessionTimeoutMs, balancesLeaders, balanceIntervalMs } = this.limits();
    for (const { brokerId, brokerEpoch } of this.sessions.expired(this.image(), nowMs, sessionTimeoutMs)) {
      void this.fence(brokerId, brokerEpoch, 'its session timed out', { unlessHeard: true });
    }
    if (nowMs >= this.leaderlessDueMs) {
      this.leaderlessDueMs = nowMs + LEADERLESS_CHECK_MS;
      if (hasLeaderless(this.image())) this.decide((image) => electLeaderless(image, this.rules));
    }
    if (this.image().stopPermits.size > 0 && endedStopPermits(this.image()).result > 0) this.decide(endedStopPermits);
    if (balancesLeaders && nowMs >= this.balanceDueMs && this.mayWriteFreely()) {
      this.balanceDueMs = nowMs + balanceIntervalMs;
      this.decide((image) => balanceLeaders(image, this.rules));
    }
  }

  /** Housekeeping that fails is done again at its next turn. */
  private decide(decision: (image: MetadataImage) => Decision<unknown>): void {
    this.controller.submit(decision).catch((error: unknown) => {
      this.log.debug({ err: error }, 'the controller could not do its housekeeping');
    });
  }

  /**
   * Takes the broker out of everything, and says so once it is done; silent when another incarnation took its place.
   * `unlessHeard`: not if it is heard of again before that is decided, which waits for the store.
   */
  async fence(
    brokerId: number,
    brokerEpoch: number,
    reason: string,
    { unlessHeard }: { readonly unlessHeard: boolean } = { unlessHeard: false },
  ): Promise<void> {
    const broker = this.image().brokers.get(brokerId);
    if (broker === undefined || broker.isFenced || broker.epoch !== brokerEpoch || this.dying.has(brokerId)) return;
    this.dying.add(brokerId);
    this.log.warn({ broker: brokerId, brokerEpoch, reason }, 'broker is fenced');
    const isHeard = (): boolean =>
      unlessHeard && this.sessions.isAlive(brokerId, this.clock.monotonicMs(), this.limits().sessionTimeoutMs);
    try {
      const isFenced = await this.controller.submit<boolean>((image) =>
        isHeard()
          ? { records: [], result: false }
          : { ...fenceBroker(image, brokerId, brokerEpoch, this.rules), result: true },
      );
      if (isFenced) this.sessions.end(brokerId);
      else this.log.info({ broker: brokerId, brokerEpoch }, 'broker was heard of again before it was fenced');
    } catch (error) {
      this.log.warn({ err: error, broker: brokerId }, 'broker could not be fenced');
    } finally {
      this.dying.delete(brokerId);
    }
  }

  /** `position` is what the broker had read of the metadata log before. */
  async register(position: MetadataPosition, registration: Registration): Promise<ApiError> {
    const { brokerId } = registration;
    if (!(await this.controller.agreesWith(position))) return apiError(ErrorCode.NOT_CONTROLLER);
    return this.controller.submit((image) => {
      const hasSession = this.sessions.isAlive(brokerId, this.clock.monotonicMs(), this.limits().sessionTimeoutMs);
      return registerBroker(image, registration, { rules: this.rules, hasSession });
    });
  }

  /** A heartbeat counts from the moment it is here, however long what it asks for takes. */
  async heartbeat(heartbeat: Heartbeat): Promise<HeartbeatAnswer> {
    const { brokerId, brokerEpoch } = heartbeat;
    const position = { nextOffset: heartbeat.metadataOffset, controllerEpoch: -1, termId: ZERO_UUID };
    if (!(await this.controller.agreesWith(position))) {
      return { errorCode: ErrorCode.NOT_CONTROLLER, isCaughtUp: false, isFenced: true, mayStop: false };
    }
    const broker = this.image().brokers.get(brokerId);
    const isKnown = broker?.epoch === brokerEpoch;
    for (const id of broker?.directories ?? []) this.fullDirectories.delete(id);
    for (const id of isKnown ? heartbeat.fullDirectories : []) this.fullDirectories.add(id);
    if (isKnown) this.sessions.touch(brokerId, brokerEpoch, heartbeat.metadataOffset, this.clock.monotonicMs());
    const decide = (image: MetadataImage): Decision<HeartbeatAnswer> =>
      decideHeartbeat(image, heartbeat, {
        rules: this.rules,
        lowestOffset: this.sessions.lowestOffset(image, brokerId),
        shutdownOffset: (logEnd) => this.sessions.shutdownOffset(brokerId, logEnd),
      });
    // Nearly every heartbeat changes nothing, and must not wait for a store that is slow or away.
    const atOnce = decide(this.image());
    if (atOnce.records.length === 0 && isKnown) return atOnce.result;
    const answer = await this.controller.submit(decide);
    if (answer.errorCode === ErrorCode.NONE && !answer.isFenced) {
      this.sessions.touch(brokerId, brokerEpoch, heartbeat.metadataOffset, this.clock.monotonicMs());
    }
    return answer;
  }

  alterPartitions(request: {
    readonly brokerId: number;
    readonly brokerEpoch: number;
    readonly proposals: readonly InSyncProposal[];
  }): Promise<AlteredPartitions> {
    const growsFreely = this.mayWriteFreely();
    return this.controller.submit((image) => alterPartitions(image, request, this.rules, growsFreely));
  }
}

function hasLeaderless(image: MetadataImage): boolean {
  for (const topic of image.topicsById.values()) {
    for (const { leader } of topic.partitions) if (leader === NO_LEADER) return true;
  }
  return false;
}

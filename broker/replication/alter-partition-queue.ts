/**
 * In-sync set changes on their way to the controller: all that partitions want at a time in one request, one request at
 * a time.
 *
 * A request whose answer does not come may have been applied. It is repeated as it was, for the controller compares
 * partition epochs: what was applied once is refused the second time with INVALID_UPDATE_VERSION, and the metadata then
 * says what came of it.
 */
import type {
  AlterPartitionRequestInit,
  AlterPartitionRequestTopicsPartitionsInit,
} from '../protocol/generated/alter-partition-request.ts';
import type {
  AlterPartitionResponse,
  AlterPartitionResponseTopicsPartitions,
} from '../protocol/generated/alter-partition-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import type { Runtime } from '../std/mod.ts';
import { nextBackoffMs } from './backoff.ts';
import type { InSyncChange } from './in-sync-set.ts';

/** Partitions of one request. Who waits beyond it goes with the next. */
const REQUEST_PARTITIONS_MAX = 5_000;
const RECOVERED = 0;

/** The partition that asks, and what it makes of the answer. */
export interface ChangeOwner {
  readonly topicId: string;
  readonly partition: number;
  /** The change that it still wants; undefined when newer metadata settled it. */
  readonly pendingChange: InSyncChange | undefined;
  accepted(change: InSyncChange, answer: AlterPartitionResponseTopicsPartitions): void;
  /** True when the change shall be asked for again. */
  refused(change: InSyncChange, errorCode: number): boolean;
}

export class AlterPartitionQueue {
  private readonly runtime: Pick<Runtime, 'clock' | 'random' | 'log'>;
  private readonly nodeId: number;
  private readonly brokerEpoch: () => number;
  private readonly send: (request: AlterPartitionRequestInit) => Promise<AlterPartitionResponse>;
  /** At most one entry for each partition: a later change takes the place of an earlier one. */
  private readonly waiting = new Set<ChangeOwner>();
  private isBusy = false;
  private isClosed = false;
  private failures = 0;

  constructor(options: {
    readonly runtime: Pick<Runtime, 'clock' | 'random' | 'log'>;
    readonly nodeId: number;
    readonly brokerEpoch: () => number;
    readonly send: (request: AlterPartitionRequestInit) => Promise<AlterPartitionResponse>;
  }) {
    this.runtime = options.runtime;
    this.nodeId = options.nodeId;
    this.brokerEpoch = options.brokerEpoch;
    this.send = options.send;
  }

  /** Asks for the owner's pending change, together with what others ask for in this turn. */
  submit(owner: ChangeOwner): void {
    if (this.isClosed) return;
    this.waiting.add(owner);
    if (this.isBusy) return;
    this.isBusy = true;
    this.runtime.clock.endOfTurn(() => void this.run());
  }

  close(): void {
    this.isClosed = true;
    this.waiting.clear();
  }

  private async run(): Promise<void> {
    while (!this.isClosed && this.waiting.size > 0) {
      const batch = this.take();
      if (batch.size === 0) continue;
      const isAnswered = await this.ask(batch);
      this.failures = isAnswered ? 0 : this.failures + 1;
      if (!isAnswered) await this.pause();
    }
    this.isBusy = false;
  }

  private take(): Map<ChangeOwner, InSyncChange> {
    const batch = new Map<ChangeOwner, InSyncChange>();
    for (const owner of this.waiting) {
      if (batch.size === REQUEST_PARTITIONS_MAX) break;
      this.waiting.delete(owner);
      if (owner.pendingChange !== undefined) batch.set(owner, owner.pendingChange);
    }
    return batch;
  }

  /** False when the whole request failed, or some of it should be repeated after a pause. */
  private async ask(batch: ReadonlyMap<ChangeOwner, InSyncChange>): Promise<boolean> {
    let response: AlterPartitionResponse;
    try {
      response = await this.send(this.request(batch));
    } catch (error) {
      this.runtime.log.warn({ err: error, partitions: batch.size }, 'the controller did not answer an in-sync change');
      for (const owner of batch.keys()) this.waiting.add(owner);
      return false;
    }
    if (response.errorCode !== ErrorCode.NONE) {
      // A stale broker epoch among them: the repeated request carries the epoch of the next registration.
      const { errorCode } = response;
      this.runtime.log.warn({ errorCode, partitions: batch.size }, 'the controller refused all in-sync changes');
      for (const owner of batch.keys()) this.waiting.add(owner);
      return false;
    }
    const answers = new Map<string, AlterPartitionResponseTopicsPartitions>();
    for (const { topicId, partitions } of response.topics) {
      for (const answer of partitions) answers.set(`${topicId}/${answer.partitionIndex}`, answer);
    }
    let isDone = true;
    for (const [owner, change] of batch) {
      // What was settled meanwhile is no business of this answer any more.
      if (owner.pendingChange !== change) continue;
      const answer = answers.get(`${owner.topicId}/${owner.partition}`);
      if (answer?.errorCode === ErrorCode.NONE) owner.accepted(change, answer);
      else if (owner.refused(change, answer?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR)) {
        this.waiting.add(owner);
        isDone = false;
      }
    }
    return isDone;
  }

  private request(batch: ReadonlyMap<ChangeOwner, InSyncChange>): AlterPartitionRequestInit {
    const topics = new Map<string, AlterPartitionRequestTopicsPartitionsInit[]>();
    for (const [{ topicId, partition }, change] of batch) {
      let partitions = topics.get(topicId);
      if (partitions === undefined) {
        partitions = [];
        topics.set(topicId, partitions);
      }
      partitions.push({
        partitionIndex: partition,
        leaderEpoch: change.leaderEpoch,
        partitionEpoch: change.partitionEpoch,
        newIsrWithEpochs: change.newInSyncReplicas,
        leaderRecoveryState: RECOVERED,
      });
    }
    return {
      brokerId: this.nodeId,
      brokerEpoch: this.brokerEpoch(),
      topics: [...topics].map(([topicId, partitions]) => ({ topicId, partitions })),
    };
  }

  private pause(): Promise<void> {
    const { clock, random } = this.runtime;
    return new Promise((resolve) => clock.after(nextBackoffMs(this.failures, random), resolve));
  }
}

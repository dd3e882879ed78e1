/** The committed offsets of one group. */
export interface CommittedOffset {
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitTimestampMs: number;
  /** When a commit of an old client wanted its own retention; else -1. */
  readonly expireTimestampMs: number;
  readonly topicId: string;
}

export class GroupOffsets {
  private readonly topics = new Map<string, Map<number, CommittedOffset>>();

  get isEmpty(): boolean {
    return this.topics.size === 0;
  }

  get(topic: string, partition: number): CommittedOffset | undefined {
    return this.topics.get(topic)?.get(partition);
  }

  set(topic: string, partition: number, offset: CommittedOffset): void {
    let partitions = this.topics.get(topic);
    if (partitions === undefined) {
      partitions = new Map();
      this.topics.set(topic, partitions);
    }
    partitions.set(partition, offset);
  }

  delete(topic: string, partition: number): void {
    const partitions = this.topics.get(topic);
    partitions?.delete(partition);
    if (partitions?.size === 0) this.topics.delete(topic);
  }

  *all(): Iterable<{ readonly topic: string; readonly partition: number; readonly offset: CommittedOffset }> {
    for (const [topic, partitions] of this.topics) {
      for (const [partition, offset] of partitions) yield { topic, partition, offset };
    }
  }

  byTopic(): ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>> {
    return this.topics;
  }
}

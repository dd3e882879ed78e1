/**
 * What clients did and saw, and what must never be: an offset with two values, an acknowledged record that is gone or
 * moved, a record twice under idempotence, a committed offset that went back.
 *
 * Where a leader had to be elected that may lack records (nobody else was left), loss is what the broker announced;
 * from then on the partition is only checked against itself.
 */
const VIOLATIONS_MAX = 20;

export interface Acknowledged {
  readonly producer: string;
  readonly value: string;
  readonly offset: number;
}

class PartitionHistory {
  readonly acknowledged: Acknowledged[] = [];
  readonly seen = new Map<number, string>();
  /** The partition had a leader that may lack records. */
  mayHaveLost = false;
  /** What was read under an earlier leader epoch is of before that loss: a leader that was deposed still shows it. */
  countsFromEpoch = 0;
}

export class History {
  private readonly partitions = new Map<string, PartitionHistory>();
  private readonly topics = new Set<string>();
  private readonly deleting = new Set<string>();
  readonly violations: string[] = [];
  readonly counters = new Map<string, number>();

  private readonly nowMs: () => number;

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  count(name: string, by = 1): void {
    this.counters.set(name, (this.counters.get(name) ?? 0) + by);
  }

  violation(text: string): void {
    if (this.violations.length < VIOLATIONS_MAX) this.violations.push(`at ${this.nowMs().toFixed(1)}: ${text}`);
  }

  /** The creation was answered: the topic is there until somebody asks for its deletion. */
  topicCreated(name: string): void {
    this.topics.add(name);
  }

  topicDeleting(name: string): void {
    this.topics.delete(name);
    this.deleting.add(name);
  }

  checkTopics(present: ReadonlyMap<string, unknown>): void {
    for (const name of this.topics) {
      if (!present.has(name) && !this.deleting.has(name)) this.violation(`topic ${name} was created, and is not there`);
    }
  }

  private of(topic: string, partition: number): PartitionHistory {
    const key = `${topic}-${partition}`;
    let history = this.partitions.get(key);
    if (history === undefined) {
      history = new PartitionHistory();
      this.partitions.set(key, history);
    }
    return history;
  }

  mayHaveLost(topic: string, partition: number): boolean {
    return this.of(topic, partition).mayHaveLost;
  }

  lossAnnounced(topic: string, partition: number, leaderEpoch: number): void {
    const history = this.of(topic, partition);
    history.mayHaveLost = true;
    history.countsFromEpoch = leaderEpoch;
    history.seen.clear();
    history.acknowledged.splice(0);
    this.count('announced losses');
  }

  /** A producer was told so by who led in `leaderEpoch`. */
  acknowledge(leaderEpoch: number, topic: string, partition: number, record: Acknowledged): void {
    const history = this.of(topic, partition);
    // A deposed leader still says of a repeated batch that it was committed, as it was before the loss.
    if (leaderEpoch < history.countsFromEpoch) return;
    history.acknowledged.push(record);
    this.see(topic, partition, record.offset, record.value);
    this.count('acknowledged');
  }

  /** A client read the value at the offset from who led in `leaderEpoch`. */
  seeUnder(leaderEpoch: number, topic: string, partition: number, offset: number, value: string): void {
    if (leaderEpoch >= this.of(topic, partition).countsFromEpoch) this.see(topic, partition, offset, value);
  }

  private see(topic: string, partition: number, offset: number, value: string): void {
    const history = this.of(topic, partition);
    const known = history.seen.get(offset);
    if (known === undefined) history.seen.set(offset, value);
    else if (known !== value) {
      this.violation(`${topic}-${partition} offset ${offset} was ${known} and is ${value}`);
    }
  }

  /** `records` is all that the partition holds when everything is healed. */
  checkContents(topic: string, partition: number, records: readonly { offset: number; value: string }[]): void {
    const history = this.of(topic, partition);
    const byOffset = new Map(records.map(({ offset, value }) => [offset, value]));
    for (const { offset, value, producer } of history.acknowledged) {
      const found = byOffset.get(offset);
      if (found !== value) {
        this.violation(
          `${topic}-${partition}: ${value} of ${producer} was acknowledged at ${offset}, not ${found ?? 'nothing'}`,
        );
      }
    }
    for (const { offset, value } of records) this.see(topic, partition, offset, value);
    const idempotent = records.filter(({ value }) => value.startsWith('i'));
    const once = new Map<string, number>();
    const last = new Map<string, number>();
    for (const { value, offset } of idempotent) {
      const [producer, number] = value.split(':') as [string, string];
      const first = once.get(value);
      if (first !== undefined) this.violation(`${topic}-${partition}: ${value} is at ${first} and at ${offset}`);
      once.set(value, offset);
      const before = last.get(producer) ?? -1;
      if (Number(number) < before)
        this.violation(`${topic}-${partition}: ${value} stands behind ${producer}:${before}`);
      last.set(producer, Number(number));
    }
  }
}

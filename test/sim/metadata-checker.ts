/** Reads the metadata log as it is written, and says when a batch breaks what must hold of every image. */
import type { MemoryStoreState } from '../../broker/coordination/mod.ts';
import {
  ConfigResource,
  configsOf,
  decodeBatch,
  EMPTY_IMAGE,
  ImageBuilder,
  type MetadataImage,
  neededInSync,
  type PartitionImage,
} from '../../broker/metadata/mod.ts';
import type { History } from './history.ts';

export class MetadataChecker {
  private readonly store: MemoryStoreState;
  private readonly history: History;
  private next = 0;
  /** All that was ever in the log, whatever was trimmed since. */
  private readonly seen = new Map<number, Buffer>();
  private readonly emptied = new Map<number, Set<string>>();
  /** The highest epoch that each broker ever had. */
  private readonly brokerEpochs = new Map<number, number>();
  /** An operator asked for leaders whatever they lack. */
  isLossAccepted = false;
  /** Batches that a restore writes are no controller's. */
  isRestoring = false;
  image: MetadataImage = EMPTY_IMAGE;
  /** Whether a leader that may lack records may really lack some: only a power loss takes what was written. */
  canLose = (): boolean => false;
  /** Called when a partition changed and its leader stayed. */
  joined = (_topic: string, _partition: PartitionImage, _before: PartitionImage): void => {};

  constructor(store: MemoryStoreState, history: History) {
    this.store = store;
    this.history = history;
    store.addWatcher({ caller: 'checker', changed: () => this.look() });
  }

  /**
   * A broker registers with another disk: nothing that stood on the old one may be led from there before it is
   * copied.
   */
  private checkDisk(id: number, directories: readonly string[], before: MetadataImage): void {
    const known = before.brokers.get(id)?.directories ?? directories;
    if (known.some((directory) => directories.includes(directory))) return;
    const lost = new Set<string>();
    for (const { name, partitions } of this.image.topicsById.values()) {
      for (const { partition, replicas } of partitions) if (replicas.includes(id)) lost.add(`${name}-${partition}`);
    }
    this.emptied.set(id, lost);
  }

  /**
   * Whoever is in sync with another was taken in by a leader that saw it copy everything. Read from each record: in the
   * same batch the other may have left.
   */
  private noteCopied(topicId: string, partition: number, inSyncReplicas: readonly number[]): void {
    const topic = this.image.topicsById.get(topicId)?.name;
    if (inSyncReplicas.length < 2) return;
    for (const id of inSyncReplicas) this.emptied.get(id)?.delete(`${topic}-${partition}`);
  }

  /** A broker stops with a permit: the log must say that this very incarnation has it. */
  permitUsed(id: number, brokerEpoch: number): void {
    this.history.count('stop permits');
    const held = this.image.stopPermits.get(id);
    if (held?.brokerEpoch !== brokerEpoch) {
      this.history.violation(`broker ${id} of epoch ${brokerEpoch} stops with the permit ${JSON.stringify(held)}`);
    }
  }

  /** A controller was told that its batch is in the log: it must stand there, or have stood there. */
  appended(id: number, offset: number, payload: Buffer): void {
    if (this.seen.get(offset)?.equals(payload) === true) return;
    this.history.violation(`broker ${id} was told that its batch ${offset} is in the log, and it never was`);
  }

  /** The log is put back to an earlier time, and later goes on from a snapshot. */
  restored(image: MetadataImage): void {
    this.image = image;
    this.next = image.nextOffset;
    this.look();
  }

  private look(): void {
    for (let payload = this.store.batches.get(this.next); payload !== undefined; ) {
      this.seen.set(this.next, payload);
      this.check(payload);
      this.next += 1;
      payload = this.store.batches.get(this.next);
    }
  }

  private check(payload: Buffer): void {
    const batch = decodeBatch(payload);
    const before = this.image;
    const builder = new ImageBuilder(before);
    builder.apply(batch, this.next);
    this.image = builder.finish().image;
    const isClaim = batch.records.some(({ kind }) => kind === 'RegisterController');
    const expected = isClaim ? before.controllerEpoch + 1 : before.controllerEpoch;
    if (batch.controllerEpoch !== expected && !this.isRestoring) {
      const { controllerEpoch } = batch;
      this.history.violation(
        `batch ${this.next} of controller epoch ${controllerEpoch} stands where ${expected} leads`,
      );
    }
    if (isClaim) this.history.count('claims');
    for (const record of batch.records) {
      if (record.kind === 'RegisterBroker') this.checkDisk(record.brokerId, record.logDirs, before);
      if (record.kind === 'ClearElr') this.history.count('changed minimums');
      if (record.kind === 'PartitionChange') this.noteCopied(record.topicId, record.partitionId, record.isr ?? []);
    }
    for (const topic of this.image.topicsById.values()) {
      const old = before.topicsById.get(topic.id);
      // A changed minimum says something else of partitions that stayed as they were.
      if (old === topic && this.image.configs === before.configs) continue;
      for (const partition of topic.partitions) this.checkPartition(topic.name, partition, old?.partitions);
    }
    if (this.image.brokers !== before.brokers) this.checkBrokers(before);
  }

  private checkPartition(
    topic: string,
    partition: PartitionImage,
    before: readonly PartitionImage[] | undefined,
  ): void {
    const old = before?.[partition.partition];
    const { leader, inSyncReplicas, replicas, leaderEpoch, partitionEpoch } = partition;
    const name = `${topic}-${partition.partition} in batch ${this.next}`;
    const wrong = (what: string): void => this.history.violation(`${name}: ${what} ${JSON.stringify(partition)}`);
    if (inSyncReplicas.some((id) => !replicas.includes(id))) wrong('the in-sync set is not within the replicas');
    if (leader >= 0 && !inSyncReplicas.includes(leader)) wrong('the leader is not in sync');
    const { eligibleLeaderReplicas: eligible } = partition;
    if (eligible.some((id) => !replicas.includes(id))) wrong('the eligible are not within the replicas');
    if (eligible.some((id) => inSyncReplicas.includes(id))) wrong('who is in sync counts as eligible without it');
    const isEnough = inSyncReplicas.length >= neededInSync(this.minimumOf(topic), partition);
    if (isEnough && eligible.length > 0) wrong('enough are in sync to commit without those who are eligible');
    if (old === undefined && topic === '__consumer_offsets' && replicas.length < 3)
      wrong('offsets are kept too seldom');
    if (old !== undefined && leaderEpoch < old.leaderEpoch) wrong('the leader epoch went back');
    if (old !== undefined && partitionEpoch < old.partitionEpoch) wrong('the partition epoch went back');
    if (old !== undefined && leader !== old.leader && leaderEpoch === old.leaderEpoch)
      wrong('a leader without an epoch');
    if (old?.leader !== leader) this.history.count('elections');
    if (leader >= 0 && !this.isLossAccepted && this.emptied.get(leader)?.has(`${topic}-${partition.partition}`)) {
      wrong('a leader has lost its disk and was never in sync since');
    }
    if (old?.leader === leader && old.leaderEpoch === leaderEpoch) {
      this.joined(topic, partition, old);
    }
    const isNewlyRecovering = partition.isRecovering && (old === undefined || old.leaderEpoch !== leaderEpoch);
    if (isNewlyRecovering && this.canLose()) {
      this.history.lossAnnounced(topic, partition.partition, leaderEpoch);
    }
  }

  private minimumOf(topic: string): number {
    const of = (type: number, name: string) => configsOf(this.image, type, name).get('min.insync.replicas');
    return Number(of(ConfigResource.topic, topic) ?? of(ConfigResource.broker, ''));
  }

  /** A broker that is fenced leads nothing and is in sync with nothing; each incarnation has a later epoch. */
  private checkBrokers(before: MetadataImage): void {
    for (const { id, epoch, incarnationId } of this.image.brokers.values()) {
      const isAnother = before.brokers.get(id)?.incarnationId !== incarnationId;
      const highest = this.brokerEpochs.get(id) ?? -1;
      if (epoch < highest || (isAnother && epoch === highest)) {
        this.history.violation(`broker ${id} in batch ${this.next}: epoch ${epoch} comes after ${highest}`);
      }
      this.brokerEpochs.set(id, epoch);
    }
    for (const topic of this.image.topicsById.values()) {
      for (const { partition, inSyncReplicas, leader } of topic.partitions) {
        for (const id of inSyncReplicas) {
          if (this.image.brokers.get(id)?.isFenced !== false) {
            this.history.violation(`${topic.name}-${partition} in batch ${this.next}: fenced broker ${id} is in sync`);
          }
        }
        if (leader >= 0 && this.image.brokers.get(leader)?.isFenced !== false) {
          this.history.violation(`${topic.name}-${partition} in batch ${this.next}: fenced broker ${leader} leads`);
        }
      }
    }
  }
}

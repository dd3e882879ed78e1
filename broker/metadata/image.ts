/**
 * What the metadata log says, as one immutable value: the cluster at an offset.
 *
 * A batch makes a new image that shares everything it did not touch with the old one, so readers keep a consistent view
 * for as long as they hold it.
 */
import { ZERO_UUID } from '../std/mod.ts';
import { TERMS_MAX } from './history.ts';
import type { MetadataBatch, MetadataRecord, RecordOf } from './records.ts';

export interface EndpointImage {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export interface BrokerImage {
  readonly id: number;
  readonly epoch: number;
  readonly incarnationId: string;
  readonly endpoints: readonly EndpointImage[];
  readonly rack: string | null;
  readonly isFenced: boolean;
  readonly isShuttingDown: boolean;
  readonly directories: readonly string[];
  /** The levels of features that its build knows. */
  readonly features: readonly FeatureRange[];
}

export interface FeatureRange {
  readonly name: string;
  readonly minSupportedVersion: number;
  readonly maxSupportedVersion: number;
}

export interface PartitionImage {
  readonly partition: number;
  readonly replicas: readonly number[];
  readonly directories: readonly string[];
  readonly inSyncReplicas: readonly number[];
  readonly eligibleLeaderReplicas: readonly number[];
  readonly lastKnownEligible: readonly number[];
  readonly removingReplicas: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly isRecovering: boolean;
}

export interface TopicImage {
  readonly name: string;
  readonly id: string;
  /** By partition index, without gaps. */
  readonly partitions: readonly PartitionImage[];
}

/** Kafka's numbers of config resources. */
export const ConfigResource = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 } as const;

export interface QuotaImage {
  readonly entity: readonly { readonly entityType: string; readonly entityName: string | null }[];
  readonly values: ReadonlyMap<string, number>;
}

/** One incarnation of a broker may stop; bound to its pod where it runs in one. */
export interface StopPermitImage {
  readonly brokerEpoch: number;
  readonly podUid: string | null;
}

/** The batches that one claim of the log, or one restore, was followed by. */
export interface TermImage {
  readonly controllerEpoch: number;
  /** The offset of the claim; of a restore the first offset of which it gave up what stood there. */
  readonly startOffset: number;
  /** Drawn at random for each. */
  readonly termId: string;
  /** Where a restore let the log go on; -1 for a claim. */
  readonly restoredTo: number;
}

export interface MetadataImage {
  /** Empty until the first controller has claimed the log. */
  readonly clusterId: string;
  /** The first offset of the log that is not in this image. */
  readonly nextOffset: number;
  readonly controllerEpoch: number;
  readonly controllerId: number;
  /** The newest, oldest first: see history.ts. */
  readonly terms: readonly TermImage[];
  /** Where the process that claimed the log last takes what brokers say to it. */
  readonly controllerEndpoints: readonly EndpointImage[];
  readonly brokers: ReadonlyMap<number, BrokerImage>;
  /** Whether the log ever held a topic, whatever became of it. */
  readonly hasHadTopics: boolean;
  readonly topicsByName: ReadonlyMap<string, TopicImage>;
  readonly topicsById: ReadonlyMap<string, TopicImage>;
  /** Dynamic configs by `type/name` of their resource. */
  readonly configs: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly quotas: ReadonlyMap<string, QuotaImage>;
  readonly features: ReadonlyMap<string, number>;
  readonly nextProducerId: number;
  /** ACLs and SCRAM credentials, kept for the room that will read them. */
  readonly acls: ReadonlyMap<string, RecordOf<'AccessControlEntry'>>;
  readonly scramCredentials: ReadonlyMap<string, RecordOf<'UserScramCredential'>>;
  /** By broker id. */
  readonly stopPermits: ReadonlyMap<number, StopPermitImage>;
  readonly operatorEpoch: number;
  readonly operatorHolder: string;
  /** Records of a change that spans several batches and whose end has not come yet: they count for nothing so far. */
  readonly unfinished: readonly MetadataRecord[] | undefined;
}

export const EMPTY_IMAGE: MetadataImage = {
  clusterId: '',
  nextOffset: 0,
  controllerEpoch: 0,
  controllerId: -1,
  terms: [],
  controllerEndpoints: [],
  brokers: new Map(),
  hasHadTopics: false,
  topicsByName: new Map(),
  topicsById: new Map(),
  configs: new Map(),
  quotas: new Map(),
  features: new Map(),
  nextProducerId: 0,
  acls: new Map(),
  scramCredentials: new Map(),
  stopPermits: new Map(),
  operatorEpoch: 0,
  operatorHolder: '',
  unfinished: undefined,
};

export const configKey = (resourceType: number, name: string): string => `${resourceType}/${name}`;

const NO_CONFIGS: ReadonlyMap<string, string> = new Map();

export function configsOf(image: MetadataImage, resourceType: number, name: string): ReadonlyMap<string, string> {
  return image.configs.get(configKey(resourceType, name)) ?? NO_CONFIGS;
}

export function quotaKey(entity: QuotaImage['entity']): string {
  return [...entity]
    .map(({ entityType, entityName }) => `${entityType}=${entityName ?? '\u0000default'}`)
    .sort()
    .join('\u0001');
}

/** What a batch touched, for the rooms that act on it. */
export interface MetadataDelta {
  readonly changedTopics: ReadonlySet<string>;
  readonly removedTopics: readonly TopicImage[];
  readonly changedConfigs: ReadonlySet<string>;
  readonly hasBrokerChanges: boolean;
  /**
   * Whether what is missing now is known to have been removed. False when a snapshot took the place of batches and
   * may come of another log than the one that was read before: what is missing may only have been forgotten.
   */
  readonly isCertain: boolean;
}

/** Builds the next image. Maps are copied when they are first written to, and never afterwards. */
export class ImageBuilder {
  private image: MetadataImage;
  private readonly base: MetadataImage;
  private readonly changedTopics = new Set<string>();
  private readonly removedTopics: TopicImage[] = [];
  private readonly changedConfigs = new Set<string>();
  private readonly copied = new Set<unknown>();
  private readonly ownPartitions = new Map<string, PartitionImage[]>();
  /** The list of unfinished records that this builder made, and may add to. */
  private heldBack: MetadataRecord[] = [];

  constructor(base: MetadataImage) {
    this.base = base;
    this.image = base;
  }

  /** Applies one batch that stands at `offset`. */
  apply(batch: MetadataBatch, offset: number): void {
    this.image = { ...this.image, nextOffset: offset + 1, controllerEpoch: batch.controllerEpoch };
    for (const record of batch.records) this.take(record, offset);
  }

  /** Records between the begin and the end of a transaction take effect together, at its end. */
  private take(record: MetadataRecord, offset: number): void {
    const { unfinished } = this.image;
    switch (record.kind) {
      case 'BeginTransaction':
        this.image = { ...this.image, unfinished: [] };
        return;
      case 'EndTransaction':
        this.image = { ...this.image, unfinished: undefined };
        for (const each of unfinished ?? []) this.applyRecord(each, offset);
        return;
      case 'AbortTransaction':
        this.image = { ...this.image, unfinished: undefined };
        return;
      case 'RegisterController':
        // Who left a change unfinished is deposed, and its end will never come.
        this.image = { ...this.image, unfinished: undefined };
        this.applyRecord(record, offset);
        return;
      default:
        if (unfinished === undefined) this.applyRecord(record, offset);
        else this.holdBack(unfinished, record);
    }
  }

  private holdBack(unfinished: readonly MetadataRecord[], record: MetadataRecord): void {
    if (this.heldBack !== unfinished) {
      this.heldBack = [...unfinished];
      this.image = { ...this.image, unfinished: this.heldBack };
    }
    this.heldBack.push(record);
  }

  finish(): { readonly image: MetadataImage; readonly delta: MetadataDelta } {
    return {
      image: this.image,
      delta: {
        changedTopics: this.changedTopics,
        removedTopics: this.removedTopics,
        changedConfigs: this.changedConfigs,
        hasBrokerChanges: this.image.brokers !== this.base.brokers,
        isCertain: true,
      },
    };
  }

  private own<
    Key extends
      | 'brokers'
      | 'topicsByName'
      | 'topicsById'
      | 'configs'
      | 'quotas'
      | 'features'
      | 'acls'
      | 'scramCredentials'
      | 'stopPermits',
  >(key: Key): MetadataImage[Key] extends ReadonlyMap<infer K, infer V> ? Map<K, V> : never {
    if (!this.copied.has(key)) {
      this.copied.add(key);
      this.image = { ...this.image, [key]: new Map(this.image[key] as ReadonlyMap<unknown, unknown>) };
    }
    return this.image[key] as never;
  }

  private applyRecord(record: MetadataRecord, offset: number): void {
    switch (record.kind) {
      case 'BeginTransaction':
      case 'EndTransaction':
      case 'AbortTransaction':
        return;
      case 'RegisterBroker':
        this.own('brokers').set(record.brokerId, {
          id: record.brokerId,
          // The controller writes -1: the epoch is the offset of the registration, known only once it is written.
          epoch: record.brokerEpoch === -1 ? offset : record.brokerEpoch,
          incarnationId: record.incarnationId,
          endpoints: record.endPoints.map(({ name, host, port }) => ({ name, host, port })),
          rack: record.rack,
          isFenced: record.fenced,
          isShuttingDown: record.inControlledShutdown,
          directories: record.logDirs,
          features: record.features,
        });
        return;
      case 'UnregisterBroker':
        this.own('brokers').delete(record.brokerId);
        return;
      case 'BrokerRegistrationChange': {
        const broker = this.image.brokers.get(record.brokerId);
        if (broker === undefined || broker.epoch !== record.brokerEpoch) return;
        this.own('brokers').set(record.brokerId, {
          ...broker,
          isFenced: record.fenced === 0 ? broker.isFenced : record.fenced > 0,
          isShuttingDown: record.inControlledShutdown === 0 ? broker.isShuttingDown : record.inControlledShutdown > 0,
          directories: record.logDirs.length === 0 ? broker.directories : record.logDirs,
        });
        return;
      }
      case 'RegisterController':
        this.image = {
          ...this.image,
          controllerId: record.controllerId,
          controllerEndpoints: record.endPoints.map(({ name, host, port }) => ({ name, host, port })),
        };
        // In a snapshot it only says who the controller was; the terms are in a record of their own.
        if (record.incarnationId !== ZERO_UUID) this.addTerm(record.incarnationId, offset);
        return;
      case 'History':
        this.image = {
          ...this.image,
          hasHadTopics: this.image.hasHadTopics || record.hasHadTopics,
          terms: record.terms,
        };
        return;
      case 'Topic':
        if (!this.image.hasHadTopics) this.image = { ...this.image, hasHadTopics: true };
        this.setTopic({ name: record.name, id: record.topicId, partitions: [] });
        return;
      case 'Partition':
        this.setPartition(record.topicId, partitionFrom(record));
        return;
      case 'PartitionChange': {
        const topic = this.image.topicsById.get(record.topicId);
        const partition = topic?.partitions[record.partitionId];
        if (partition !== undefined) this.setPartition(record.topicId, changedPartition(partition, record));
        return;
      }
      case 'RemoveTopic':
        this.removeTopic(record.topicId);
        return;
      case 'Config':
        this.setConfig(record);
        return;
      case 'ClearElr':
        this.clearEligible(record.topicName);
        return;
      case 'ClientQuota':
        this.setQuota(record);
        return;
      case 'ProducerIds':
        this.image = { ...this.image, nextProducerId: record.nextProducerId };
        return;
      case 'FeatureLevel':
        if (record.featureLevel === 0) this.own('features').delete(record.name);
        else this.own('features').set(record.name, record.featureLevel);
        return;
      case 'AccessControlEntry':
        this.own('acls').set(record.id, record);
        return;
      case 'RemoveAccessControlEntry':
        this.own('acls').delete(record.id);
        return;
      case 'UserScramCredential':
        this.own('scramCredentials').set(`${record.name}/${record.mechanism}`, record);
        return;
      case 'RemoveUserScramCredential':
        this.own('scramCredentials').delete(`${record.name}/${record.mechanism}`);
        return;
      case 'Cluster':
        this.image = { ...this.image, clusterId: record.clusterId };
        return;
      case 'StopPermit':
        if (record.isGranted) {
          this.own('stopPermits').set(record.brokerId, { brokerEpoch: record.brokerEpoch, podUid: record.podUid });
        } else this.own('stopPermits').delete(record.brokerId);
        return;
      case 'OperatorEpoch':
        this.image = { ...this.image, operatorEpoch: record.operatorEpoch, operatorHolder: record.holder };
        return;
      case 'ChangeOrigin':
      case 'GivenUp':
      case 'NoOp':
        return;
    }
  }

  private addTerm(termId: string, startOffset: number): void {
    const { controllerEpoch, terms } = this.image;
    const term: TermImage = { controllerEpoch, startOffset, termId, restoredTo: -1 };
    this.image = { ...this.image, terms: [...terms.slice(1 - TERMS_MAX), term] };
  }

  private setTopic(topic: TopicImage): void {
    this.own('topicsByName').set(topic.name, topic);
    this.own('topicsById').set(topic.id, topic);
    this.changedTopics.add(topic.name);
  }

  private setPartition(topicId: string, partition: PartitionImage): void {
    const topic = this.image.topicsById.get(topicId);
    if (topic === undefined) return;
    let partitions = this.ownPartitions.get(topicId);
    if (partitions === undefined) {
      partitions = [...topic.partitions];
      this.ownPartitions.set(topicId, partitions);
      this.setTopic({ ...topic, partitions });
    }
    partitions[partition.partition] = partition;
  }

  private removeTopic(topicId: string): void {
    const topic = this.image.topicsById.get(topicId);
    if (topic === undefined) return;
    this.own('topicsById').delete(topicId);
    if (this.image.topicsByName.get(topic.name)?.id === topicId) this.own('topicsByName').delete(topic.name);
    this.own('configs').delete(configKey(ConfigResource.topic, topic.name));
    this.ownPartitions.delete(topicId);
    this.changedTopics.delete(topic.name);
    this.removedTopics.push(topic);
  }

  private setConfig({ resourceType, resourceName, name, value }: RecordOf<'Config'>): void {
    const key = configKey(resourceType, resourceName);
    const values = new Map(this.image.configs.get(key));
    if (value === null) values.delete(name);
    else values.set(name, value);
    if (values.size === 0) this.own('configs').delete(key);
    else this.own('configs').set(key, values);
    this.changedConfigs.add(key);
  }

  /**
   * Eligible replicas have every committed record only while the minimum stays under which they became so. Where nobody
   * is in sync they stay: nothing is committed there before one of them leads, and nobody else may.
   */
  private clearEligible(topicName: string): void {
    const named = this.image.topicsByName.get(topicName);
    const topics = topicName === '' ? this.image.topicsById.values() : named === undefined ? [] : [named];
    for (const { id, partitions } of [...topics]) {
      for (const partition of partitions) {
        if (partition.eligibleLeaderReplicas.length === 0 || partition.inSyncReplicas.length === 0) continue;
        const partitionEpoch = partition.partitionEpoch + 1;
        this.setPartition(id, { ...partition, eligibleLeaderReplicas: [], partitionEpoch });
      }
    }
  }

  private setQuota({ entity, key: name, value, remove }: RecordOf<'ClientQuota'>): void {
    const key = quotaKey(entity);
    const values = new Map(this.image.quotas.get(key)?.values);
    if (remove) values.delete(name);
    else values.set(name, value);
    if (values.size === 0) this.own('quotas').delete(key);
    else this.own('quotas').set(key, { entity, values });
  }
}

function partitionFrom(record: RecordOf<'Partition'>): PartitionImage {
  return {
    partition: record.partitionId,
    replicas: record.replicas,
    directories: record.directories,
    inSyncReplicas: record.isr,
    eligibleLeaderReplicas: record.eligibleLeaderReplicas ?? [],
    lastKnownEligible: record.lastKnownElr ?? [],
    removingReplicas: record.removingReplicas,
    addingReplicas: record.addingReplicas,
    leader: record.leader,
    leaderEpoch: record.leaderEpoch,
    partitionEpoch: record.partitionEpoch,
    isRecovering: record.leaderRecoveryState === 1,
  };
}

/** KRaft's word for "the leader did not change". */
export const NO_LEADER_CHANGE = -2;

function changedPartition(partition: PartitionImage, change: RecordOf<'PartitionChange'>): PartitionImage {
  const hasNewLeader = change.leader !== NO_LEADER_CHANGE;
  return {
    partition: partition.partition,
    replicas: change.replicas ?? partition.replicas,
    directories: change.directories ?? partition.directories,
    inSyncReplicas: change.isr ?? partition.inSyncReplicas,
    eligibleLeaderReplicas: change.eligibleLeaderReplicas ?? partition.eligibleLeaderReplicas,
    lastKnownEligible: change.lastKnownElr ?? partition.lastKnownEligible,
    removingReplicas: change.removingReplicas ?? partition.removingReplicas,
    addingReplicas: change.addingReplicas ?? partition.addingReplicas,
    leader: hasNewLeader ? change.leader : partition.leader,
    leaderEpoch: hasNewLeader ? partition.leaderEpoch + 1 : partition.leaderEpoch,
    partitionEpoch: partition.partitionEpoch + 1,
    isRecovering: change.leaderRecoveryState === -1 ? partition.isRecovering : change.leaderRecoveryState === 1,
  };
}

/** Topics: created, grown and deleted (KIP-4). Messages are those that Kafka's users know. */
import {
  type BrokerImage,
  ConfigResource,
  type MetadataImage,
  type MetadataRecord,
  type TopicImage,
} from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { type Random, randomUuid, ZERO_UUID } from '../std/mod.ts';
import type { ConfigRules } from './configs.ts';
import { type ApiError, apiError, type Decision, refuseExcess } from './decision.ts';
import { chooseDirectory } from './directories.ts';
import { isActive } from './election-rules.ts';
import { NO_LEADER } from './partition-change.ts';
import { placeReplicas } from './placement.ts';

const NAME_LENGTH_MAX = 249;
/** KRaft's own topic, which exists only inside Kafka. */
const METADATA_TOPIC = '__cluster_metadata';
const EXCESSIVE = 'Excessively large number of partitions per request.';

export interface NewTopic {
  readonly name: string;
  readonly partitionCount: number;
  readonly replicationFactor: number;
  readonly assignments: readonly { readonly partition: number; readonly brokerIds: readonly number[] }[];
  readonly configs: ReadonlyMap<string, string | null>;
}

export interface TopicDefaults {
  readonly partitionCount: number;
  readonly replicationFactor: number;
}

export interface CreatedTopic extends ApiError {
  readonly name: string;
  readonly topicId: string;
  readonly partitionCount: number;
  readonly replicationFactor: number;
}

export function topicNameProblem(name: string): string | undefined {
  if (name === '') return 'the empty string is not allowed';
  if (name === '.' || name === '..') return `'${name}' is not allowed`;
  if (name.length > NAME_LENGTH_MAX)
    return `the length of '${name}' is longer than the max allowed length ${NAME_LENGTH_MAX}`;
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return `'${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`;
  }
  return undefined;
}

const collisionKey = (name: string): string => name.replaceAll('.', '_');

export function createTopics(
  image: MetadataImage,
  topics: readonly NewTopic[],
  options: {
    readonly defaults: TopicDefaults;
    readonly rules: ConfigRules;
    readonly random: Random;
    readonly validateOnly: boolean;
  },
): Decision<CreatedTopic[]> {
  refuseExcess(sum(topics.map((topic) => countPartitions(topic, options.defaults))), EXCESSIVE);
  const counts = new Map<string, number>();
  for (const { name } of topics) counts.set(name, (counts.get(name) ?? 0) + 1);
  const collisions = new Map([...image.topicsByName.keys()].map((name) => [collisionKey(name), name]));
  const records: MetadataRecord[] = [];
  const result: CreatedTopic[] = [];
  const answered = new Set<string>();
  for (const topic of topics) {
    if ((counts.get(topic.name) ?? 0) > 1) {
      if (!answered.has(topic.name))
        result.push(refused(topic, apiError(ErrorCode.INVALID_REQUEST, 'Duplicate topic name.')));
      answered.add(topic.name);
      continue;
    }
    const decided = createTopic(image, topic, collisions, options);
    if ('errorCode' in decided) {
      result.push(refused(topic, decided));
      continue;
    }
    const replicationFactor = (decided.replicas[0] as readonly number[]).length;
    result.push({
      ...apiError(ErrorCode.NONE),
      name: topic.name,
      topicId: options.validateOnly ? ZERO_UUID : decided.topicId,
      partitionCount: decided.replicas.length,
      replicationFactor,
    });
    collisions.set(collisionKey(topic.name), topic.name);
    if (!options.validateOnly) records.push(...decided.records);
  }
  return { records, result };
}

function countPartitions({ assignments, partitionCount }: NewTopic, defaults: TopicDefaults): number {
  if (assignments.length > 0) return assignments.length;
  return partitionCount === -1 ? defaults.partitionCount : Math.max(0, partitionCount);
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

function refused(topic: NewTopic, error: ApiError): CreatedTopic {
  return { ...error, name: topic.name, topicId: ZERO_UUID, partitionCount: -1, replicationFactor: -1 };
}

function createTopic(
  image: MetadataImage,
  topic: NewTopic,
  collisions: ReadonlyMap<string, string>,
  options: { readonly defaults: TopicDefaults; readonly rules: ConfigRules; readonly random: Random },
): ApiError | { topicId: string; replicas: number[][]; records: MetadataRecord[] } {
  const { name } = topic;
  if (name === METADATA_TOPIC)
    return apiError(ErrorCode.INVALID_REQUEST, `Creation of internal topic ${name} is prohibited.`);
  if (image.topicsByName.has(name)) return apiError(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`);
  const nameProblem = topicNameProblem(name);
  if (nameProblem !== undefined)
    return apiError(ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic name is invalid: ${nameProblem}`);
  const collision = collisions.get(collisionKey(name));
  if (collision !== undefined) {
    return apiError(ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic '${name}' collides with existing topic: ${collision}`);
  }
  const replicas =
    topic.assignments.length > 0 ? assignedReplicas(image, topic) : placedReplicas(image, topic, options);
  if ('errorCode' in replicas) return replicas;
  const configs = new Map<string, string>();
  for (const [key, value] of topic.configs) {
    if (value === null) {
      return apiError(ErrorCode.INVALID_CONFIG, `Null value not supported for topic configs: ${key}`);
    }
    configs.set(key, value);
  }
  const configProblem = options.rules.problemOf(ConfigResource.topic, name, configs);
  if (configProblem !== undefined) return apiError(ErrorCode.INVALID_CONFIG, configProblem);
  const topicId = randomUuid(options.random);
  return {
    topicId,
    replicas,
    records: [
      { kind: 'Topic', name, topicId },
      ...[...configs].map(
        ([key, value]): MetadataRecord => ({
          kind: 'Config',
          resourceType: ConfigResource.topic,
          resourceName: name,
          name: key,
          value,
        }),
      ),
      ...replicas.map((ids, partition) => newPartition(image, topicId, partition, ids)),
    ],
  };
}

/** A new partition starts with every live replica in sync, of which there is one at least. */
export function newPartition(
  image: MetadataImage,
  topicId: string,
  partition: number,
  replicas: readonly number[],
): MetadataRecord {
  const alive = replicas.filter((id) => isActive(image, id));
  return {
    kind: 'Partition',
    partitionId: partition,
    topicId,
    replicas: [...replicas],
    isr: alive,
    removingReplicas: [],
    addingReplicas: [],
    leader: alive[0] ?? NO_LEADER,
    leaderRecoveryState: 0,
    leaderEpoch: 0,
    partitionEpoch: 0,
    directories: replicas.map((id) => chooseDirectory(image, id, topicId, partition)),
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
  };
}

function placedReplicas(
  image: MetadataImage,
  topic: NewTopic,
  { defaults, random }: { readonly defaults: TopicDefaults; readonly random: Random },
): ApiError | number[][] {
  const partitionCount = topic.partitionCount === -1 ? defaults.partitionCount : topic.partitionCount;
  const replicationFactor = topic.replicationFactor === -1 ? defaults.replicationFactor : topic.replicationFactor;
  if (replicationFactor <= 0) {
    return apiError(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      'Replication factor must be larger than 0, or -1 to use the default value.',
    );
  }
  if (partitionCount <= 0) {
    return apiError(ErrorCode.INVALID_PARTITIONS, 'Number of partitions was set to an invalid non-positive value.');
  }
  const brokers = usableBrokers(image);
  const problem = placementProblem(brokers, replicationFactor);
  if (problem !== undefined) return apiError(ErrorCode.INVALID_REPLICATION_FACTOR, problem);
  return placeReplicas({ brokers, partitionCount, replicationFactor, firstPartition: 0, random });
}

function placementProblem(brokers: readonly BrokerImage[], replicationFactor: number): string | undefined {
  const problem =
    replicationFactor > brokers.length
      ? `The target replication factor of ${replicationFactor} cannot be reached because only ${brokers.length} ` +
        'broker(s) are registered.'
      : brokers.every(({ isFenced }) => isFenced)
        ? 'All brokers are currently fenced.'
        : undefined;
  return problem && `Unable to replicate the partition ${replicationFactor} time(s): ${problem}`;
}

function usableBrokers(image: MetadataImage): BrokerImage[] {
  return [...image.brokers.values()].filter((broker) => !broker.isShuttingDown);
}

function assignedReplicas(image: MetadataImage, topic: NewTopic): ApiError | number[][] {
  if (topic.replicationFactor !== -1) {
    return apiError(
      ErrorCode.INVALID_REQUEST,
      'A manual partition assignment was specified, but replication factor was not set to -1.',
    );
  }
  if (topic.partitionCount !== -1) {
    return apiError(
      ErrorCode.INVALID_REQUEST,
      'A manual partition assignment was specified, but numPartitions was not set to -1.',
    );
  }
  const replicas: number[][] = [];
  for (const { partition, brokerIds } of topic.assignments) {
    if (replicas[partition] !== undefined) {
      return apiError(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        `Found multiple manual partition assignments for partition ${partition}`,
      );
    }
    const problem = assignmentProblem(image, brokerIds, replicas.find((ids) => ids !== undefined)?.length);
    if (problem !== undefined) return apiError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, problem);
    if (partition < 0 || partition >= topic.assignments.length) {
      return apiError(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        'partitions should be a consecutive 0-based integer sequence',
      );
    }
    replicas[partition] = [...brokerIds];
  }
  return replicas;
}

export function assignmentProblem(
  image: MetadataImage,
  brokerIds: readonly number[],
  replicationFactor: number | undefined,
): string | undefined {
  if (brokerIds.length === 0) return 'The manual partition assignment includes an empty replica list.';
  if (new Set(brokerIds).size !== brokerIds.length) {
    const duplicate = brokerIds.find((id, index) => brokerIds.indexOf(id) !== index);
    return `The manual partition assignment includes the broker ${duplicate} more than once.`;
  }
  const unknown = brokerIds.find((id) => !image.brokers.has(id));
  if (unknown !== undefined) {
    return `The manual partition assignment includes broker ${unknown}, but no such broker is registered.`;
  }
  if (replicationFactor !== undefined && brokerIds.length !== replicationFactor) {
    return (
      `The manual partition assignment includes a partition with ${brokerIds.length} replica(s), but this is not ` +
      `consistent with previous partitions, which have ${replicationFactor} replica(s).`
    );
  }
  if (!brokerIds.some((id) => isActive(image, id))) {
    return 'All brokers specified in the manual partition assignment are fenced or in controlled shutdown.';
  }
  return undefined;
}

export interface TopicSelector {
  /** Exactly one of the two is set; the other is null or the zero id. */
  readonly name: string | null;
  readonly id: string;
}

export interface DeletedTopic extends ApiError {
  readonly name: string | null;
  readonly topicId: string;
}

export function deleteTopics(image: MetadataImage, selectors: readonly TopicSelector[]): Decision<DeletedTopic[]> {
  const records: MetadataRecord[] = [];
  const removed = new Set<string>();
  // One topic, whichever way it is named, may be named once: what is named twice is refused once.
  const keyOf = ({ name, id }: TopicSelector): string => {
    const knownId = id !== ZERO_UUID ? id : name === null ? undefined : image.topicsByName.get(name)?.id;
    return knownId ?? `name ${name}`;
  };
  const seen = new Map<string, number>();
  for (const selector of selectors) seen.set(keyOf(selector), (seen.get(keyOf(selector)) ?? 0) + 1);
  const distinct = new Map<string, TopicSelector>();
  for (const selector of selectors) if (!distinct.has(keyOf(selector))) distinct.set(keyOf(selector), selector);
  const result = [...distinct.values()].map(({ name, id }): DeletedTopic => {
    if (name !== null && id !== ZERO_UUID) {
      return {
        name,
        topicId: id,
        ...apiError(ErrorCode.INVALID_REQUEST, 'You may not specify both topic name and topic id.'),
      };
    }
    if (name === null && id === ZERO_UUID) {
      return { name, topicId: id, ...apiError(ErrorCode.INVALID_REQUEST, 'Neither topic name nor id were specified.') };
    }
    if ((seen.get(keyOf({ name, id })) ?? 0) > 1) {
      const what = name === null ? 'Duplicate topic id.' : 'Duplicate topic name.';
      const known = name === null ? image.topicsById.get(id)?.name : name;
      return { name: known ?? null, topicId: id, ...apiError(ErrorCode.INVALID_REQUEST, what) };
    }
    const topic = name === null ? image.topicsById.get(id) : image.topicsByName.get(name);
    if (topic === undefined) {
      return name === null
        ? { name, topicId: id, ...apiError(ErrorCode.UNKNOWN_TOPIC_ID, 'This server does not host this topic ID.') }
        : {
            name,
            topicId: id,
            ...apiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'This server does not host this topic-partition.'),
          };
    }
    if (!removed.has(topic.id)) records.push({ kind: 'RemoveTopic', topicId: topic.id });
    removed.add(topic.id);
    return { name: topic.name, topicId: topic.id, ...apiError(ErrorCode.NONE) };
  });
  return { records, result };
}

export interface PartitionGrowth {
  readonly name: string;
  readonly count: number;
  readonly assignments: readonly (readonly number[])[] | null;
}

export function createPartitions(
  image: MetadataImage,
  topics: readonly PartitionGrowth[],
  options: { readonly random: Random; readonly validateOnly: boolean },
): Decision<(ApiError & { readonly name: string })[]> {
  const added = ({ name, count }: PartitionGrowth): number => {
    const current = image.topicsByName.get(name)?.partitions.length;
    return current === undefined ? 0 : Math.max(0, count - current);
  };
  refuseExcess(sum(topics.map(added)), EXCESSIVE);
  const records: MetadataRecord[] = [];
  const counts = new Map<string, number>();
  for (const { name } of topics) counts.set(name, (counts.get(name) ?? 0) + 1);
  const answered = new Set<string>();
  const result: (ApiError & { readonly name: string })[] = [];
  for (const growth of topics) {
    if ((counts.get(growth.name) ?? 0) > 1) {
      if (!answered.has(growth.name)) {
        result.push({ name: growth.name, ...apiError(ErrorCode.INVALID_REQUEST, 'Duplicate topic name.') });
      }
      answered.add(growth.name);
      continue;
    }
    const grown = growTopic(image, growth, options.random);
    if ('errorCode' in grown) {
      result.push({ name: growth.name, ...grown });
      continue;
    }
    if (!options.validateOnly) records.push(...grown);
    result.push({ name: growth.name, ...apiError(ErrorCode.NONE) });
  }
  return { records, result };
}

function growTopic(image: MetadataImage, growth: PartitionGrowth, random: Random): ApiError | MetadataRecord[] {
  const topic: TopicImage | undefined = image.topicsByName.get(growth.name);
  if (topic === undefined) {
    return apiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'This server does not host this topic-partition.');
  }
  const current = topic.partitions.length;
  const added = growth.count - current;
  if (added === 0) {
    return apiError(ErrorCode.INVALID_PARTITIONS, `Topic already has ${current} partition(s).`);
  }
  if (added < 0) {
    return apiError(
      ErrorCode.INVALID_PARTITIONS,
      `The topic ${growth.name} currently has ${current} partition(s); ${growth.count} would not be an increase.`,
    );
  }
  const replicationFactor = topic.partitions[0]?.replicas.length ?? 1;
  let replicas: readonly (readonly number[])[];
  if (growth.assignments !== null) {
    if (growth.assignments.length !== added) {
      return apiError(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        `Attempted to add ${added} additional partition(s), but only ${growth.assignments.length} assignment(s) ` +
          'were specified.',
      );
    }
    for (const brokerIds of growth.assignments) {
      const problem = assignmentProblem(image, brokerIds, replicationFactor);
      if (problem !== undefined) return apiError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, problem);
    }
    replicas = growth.assignments;
  } else {
    const brokers = usableBrokers(image);
    const problem = placementProblem(brokers, replicationFactor);
    if (problem !== undefined) return apiError(ErrorCode.INVALID_REPLICATION_FACTOR, problem);
    replicas = placeReplicas({ brokers, partitionCount: added, replicationFactor, firstPartition: current, random });
  }
  return replicas.map((ids, index) => newPartition(image, topic.id, current + index, ids));
}

/**
 * Reassignments (KIP-455): a partition gets new replicas beside the old ones, and loses the old ones when all that stay
 * are in sync. Cancelling one takes away what it added.
 */
import type { MetadataImage, MetadataRecord, PartitionImage, TopicImage } from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { type ApiError, apiError, type Decision, refuseExcess } from './decision.ts';
import { type ElectionRules, rulesOf } from './election-rules.ts';
import { planPartitionChange } from './partition-change.ts';
import { assignmentProblem } from './topics.ts';

export interface Reassignment {
  readonly topic: string;
  readonly partition: number;
  /** Null cancels the one that is under way. */
  readonly replicas: readonly number[] | null;
}

export interface Reassigned extends ApiError {
  readonly topic: string;
  readonly partition: number;
}

export function alterReassignments(
  image: MetadataImage,
  reassignments: readonly Reassignment[],
  options: { readonly rules: ElectionRules; readonly allowsReplicationFactorChange: boolean },
): Decision<Reassigned[]> {
  const records: MetadataRecord[] = [];
  const result = reassignments.map((reassignment): Reassigned => {
    const { topic: name, partition: index } = reassignment;
    const answer = (error: ApiError): Reassigned => ({ topic: name, partition: index, ...error });
    const topic = image.topicsByName.get(name);
    if (topic === undefined) {
      return answer(apiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find a topic named ${name}.`));
    }
    const partition = topic.partitions[index];
    if (partition === undefined) {
      return answer(apiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find partition ${name}:${index}.`));
    }
    const planned =
      reassignment.replicas === null
        ? cancel(image, topic, partition, options.rules)
        : start(image, topic, partition, reassignment.replicas, options);
    if ('errorCode' in planned) return answer(planned);
    if (planned.record !== undefined) records.push(planned.record);
    refuseExcess(records.length);
    return answer(apiError(ErrorCode.NONE));
  });
  return { records, result };
}

type Planned = ApiError | { readonly record: MetadataRecord | undefined };

function start(
  image: MetadataImage,
  topic: TopicImage,
  partition: PartitionImage,
  target: readonly number[],
  options: { readonly rules: ElectionRules; readonly allowsReplicationFactorChange: boolean },
): Planned {
  const problem = assignmentProblem(image, target, undefined);
  if (problem !== undefined) return apiError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, problem);
  const settled = partition.replicas.filter((id) => !partition.addingReplicas.includes(id));
  if (!options.allowsReplicationFactorChange && target.length !== settled.length) {
    return apiError(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `The replication factor is changed from ${settled.length} to ${target.length}, which the request forbids.`,
    );
  }
  const removing = partition.replicas.filter((id) => !target.includes(id)).sort((a, b) => a - b);
  const adding = target.filter((id) => !partition.replicas.includes(id)).sort((a, b) => a - b);
  const record = planPartitionChange(partition, rulesOf(image, topic, options.rules), {
    replicas: [...target, ...removing],
    removing,
    adding,
  });
  return { record };
}

function cancel(image: MetadataImage, topic: TopicImage, partition: PartitionImage, rules: ElectionRules): Planned {
  const { addingReplicas, removingReplicas } = partition;
  if (addingReplicas.length + removingReplicas.length === 0) {
    return apiError(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, 'No partition reassignment is in progress.');
  }
  const replicas = partition.replicas.filter((id) => !addingReplicas.includes(id));
  const inSyncReplicas = partition.inSyncReplicas.filter((id) => !addingReplicas.includes(id));
  const isUnclean = inSyncReplicas.length === 0;
  if (isUnclean && !rules.allowsUncleanElection(image, topic)) {
    return apiError(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      `Unable to revert partition assignment for ${topic.name}:${partition.partition} because it would require an ` +
        'unclean leader election.',
    );
  }
  const record = planPartitionChange(partition, rulesOf(image, topic, rules), {
    replicas,
    inSyncReplicas,
    adding: [],
    removing: [],
  });
  return { record };
}

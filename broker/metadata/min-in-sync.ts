/**
 * How many in-sync replicas a partition needs. Its leader stops committing below that number, and the controller counts
 * on it when it keeps eligible leaders: both must come to the same from the same image, so there is one function.
 *
 * Replicas that are being added do not count yet. In Kafka they do, and its controller takes the replication factor of
 * the topic's first partition: there a partition of one replica under a minimum of two refuses acks=all from the moment
 * at which a second one is added until that has copied everything.
 */
export function neededInSync(
  minimum: number,
  { replicas, addingReplicas }: { readonly replicas: readonly number[]; readonly addingReplicas: readonly number[] },
): number {
  return Math.min(minimum, replicas.length - addingReplicas.length);
}

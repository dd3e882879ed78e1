/**
 * What becomes of a log that is found on disk when a broker starts.
 *
 * A log goes for good only where the metadata says so: this broker knew the partition as its own, and the history that
 * it has read since went on from there, so the topic was deleted, or the replica moved away. Everything else that is
 * no replica of this broker is set aside and kept: its metadata may have been lost, and it may be the last copy.
 */
import type { MetadataImage } from '../metadata/mod.ts';

export type LogFate = 'served' | 'deleted' | 'setAside';

export function fateOfLog(
  log: { readonly topicId: string; readonly partition: number },
  options: {
    readonly nodeId: number;
    /** What this broker acted on last, before it stopped. */
    readonly before: MetadataImage;
    readonly image: MetadataImage;
    /** Whether the image is what came of `before`. */
    readonly isCertain: boolean;
  },
): LogFate {
  const { nodeId, before, image, isCertain } = options;
  const isOurs = ({ topicsById }: MetadataImage): boolean =>
    topicsById.get(log.topicId)?.partitions[log.partition]?.replicas.includes(nodeId) === true;
  if (isOurs(image)) return 'served';
  return isCertain && isOurs(before) ? 'deleted' : 'setAside';
}

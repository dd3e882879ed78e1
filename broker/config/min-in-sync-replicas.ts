/**
 * min.insync.replicas of a topic, as the metadata says: leaders and the controller decide by the same image, so both
 * decide by the same number.
 *
 * The cluster-wide value is written by the first controller (`cluster-minimum.ts`). What stands in a broker's file
 * counts only before that, and a value for a single broker never.
 */
import { ConfigResource, configsOf, type MetadataImage } from '../metadata/mod.ts';
import type { BrokerConfig } from './broker-config.ts';

const NAME = 'min.insync.replicas';

export function minInSyncReplicas(broker: BrokerConfig, image: MetadataImage, topic: string): number {
  const ofTopic = configsOf(image, ConfigResource.topic, topic).get(NAME);
  const ofCluster = configsOf(image, ConfigResource.broker, '').get(NAME);
  return Number(ofTopic ?? ofCluster ?? broker.staticText(NAME));
}

/** The eligible leader replicas of a topic, or of all, are forgotten. */
import { data, string } from '../../schema.ts';

export default data('ClearElrRecord', '0', '0+', { topicName: string('0+') }, { apiKey: 28 });

/** A topic was created; its partitions follow. */
import { data, string, uuid } from '../../schema.ts';

export default data('TopicRecord', '0', '0+', { name: string('0+'), topicId: uuid('0+') }, { apiKey: 2 });

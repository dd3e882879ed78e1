/** A topic and all its partitions were deleted. */
import { data, uuid } from '../../schema.ts';

export default data('RemoveTopicRecord', '0', '0+', { topicId: uuid('0+') }, { apiKey: 9 });

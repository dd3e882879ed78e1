/**
 * Ottla's own: what a snapshot says of the log before it. The terms of its controllers, so that a reader can tell
 * whether what it read is what the snapshot came of, and whether there ever was a topic.
 */
import { bool, data, int32, int64, list, uuid } from '../../schema.ts';

export default data(
  'HistoryRecord',
  '0',
  '0+',
  {
    hasHadTopics: bool('0+'),
    terms: list('0+', {
      controllerEpoch: int32('0+'),
      startOffset: int64('0+'),
      termId: uuid('0+'),
      restoredTo: int64('0+'),
    }),
  },
  { apiKey: 20004 },
);

/** Moves replicas between the log directories of one broker. */
import { api, int16, int32, int32s, list, message, string } from '../schema.ts';

export default api({
  key: 34,
  name: 'AlterReplicaLogDirs',
  listeners: ['broker'],
  request: message('1-2', '2+', {
    dirs: list('0+', {
      path: string('0+', { mapKey: true }),
      topics: list('0+', {
        name: string('0+', { mapKey: true }),
        partitions: int32s('0+'),
      }),
    }),
  }),
  response: message('1-2', '2+', {
    throttleTimeMs: int32('0+'),
    results: list('0+', {
      topicName: string('0+'),
      partitions: list('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
      }),
    }),
  }),
});

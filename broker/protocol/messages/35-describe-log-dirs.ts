/** Tells what a broker's log directories hold. v4 brings the size of the volume, v5 whether it is cordoned. */
import { api, bool, int16, int32, int32s, int64, list, message, string } from '../schema.ts';

export default api({
  key: 35,
  name: 'DescribeLogDirs',
  listeners: ['broker'],
  request: message('1-5', '2+', {
    topics: list(
      '0+',
      {
        topic: string('0+', { mapKey: true }),
        partitions: int32s('0+'),
      },
      { nullable: '0+' },
    ),
  }),
  response: message('1-5', '2+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('3+', { ignorable: true }),
    results: list('0+', {
      errorCode: int16('0+'),
      logDir: string('0+'),
      topics: list('0+', {
        name: string('0+'),
        partitions: list('0+', {
          partitionIndex: int32('0+'),
          partitionSize: int64('0+'),
          offsetLag: int64('0+'),
          isFutureKey: bool('0+'),
        }),
      }),
      totalBytes: int64('4+', { default: -1n, ignorable: true }),
      usableBytes: int64('4+', { default: -1n, ignorable: true }),
      isCordoned: bool('5+', { ignorable: true }),
    }),
  }),
});

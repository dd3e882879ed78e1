/**
 * DescribeLogDirs (key 35), versions 1-5.
 *
 * Behaviour
 * - every log folder with its partitions, their sizes, and the space of its file system; null topics means all
 *
 * Versions
 * - 2: flexible
 * - 3: an error for the whole answer
 * - 4: total and usable bytes (KIP-827)
 * - 5: whether the folder is cordoned
 */
import {
  type DescribeLogDirsRequest,
  readDescribeLogDirsRequest,
} from '../protocol/generated/describe-log-dirs-request.ts';
import {
  type DescribeLogDirsResponseInit,
  writeDescribeLogDirsResponse,
} from '../protocol/generated/describe-log-dirs-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';

export const describeLogDirs = handler<DescribeLogDirsRequest, DescribeLogDirsResponseInit>({
  key: 35,
  read: readDescribeLogDirsRequest,
  write: writeDescribeLogDirsResponse,
  handle(request, _context, broker) {
    const wanted =
      request.topics === null
        ? undefined
        : new Set(request.topics.flatMap(({ topic, partitions }) => partitions.map((index) => `${topic}/${index}`)));
    const results = broker.logFolders().map((folder) => {
      const topics = new Map<
        string,
        { partitionIndex: number; partitionSize: number; offsetLag: number; isFutureKey: boolean }[]
      >();
      for (const { topic, partition, sizeBytes } of folder.partitions) {
        if (wanted !== undefined && !wanted.has(`${topic}/${partition}`)) continue;
        const row = { partitionIndex: partition, partitionSize: sizeBytes, offsetLag: 0, isFutureKey: false };
        const rows = topics.get(topic);
        if (rows === undefined) topics.set(topic, [row]);
        else rows.push(row);
      }
      return {
        errorCode: folder.isOffline ? ErrorCode.KAFKA_STORAGE_ERROR : ErrorCode.NONE,
        logDir: folder.path,
        topics: [...topics].map(([name, partitions]) => ({ name, partitions })),
        totalBytes: folder.totalBytes,
        usableBytes: folder.usableBytes,
        isCordoned: false,
      };
    });
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, results };
  },
});

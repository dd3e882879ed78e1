/**
 * What must hold once the dust has settled: everything acknowledged is there, once and in order, for clients and in the
 * files; and the files of all replicas are equal, byte for byte, below the high watermark.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { batchBaseOffset, batchSizeBytes, ErrorCode, errorName } from '../../broker/protocol/mod.ts';
import * as calls from '../support/calls.ts';
import { NODE_IDS, TOPIC } from './broker-group.ts';
import { type Address, ChaosClient } from './client.ts';
import type { Cluster } from './cluster.ts';
import { recordsIn } from './load.ts';

const FETCH_VERSION = 12;
const FETCH_BYTES = 8 * 1024 * 1024;
const FETCH_TIMEOUT_MS = 10_000;
const NAMED_MAX = 10;

/** Sentences about what is wrong; none when all is well. */
export async function checkEverything(cluster: Cluster, acknowledged: readonly number[]): Promise<string[]> {
  const wrong: string[] = [];
  const highWatermarks = await checkRecords(cluster.group.addresses, acknowledged, wrong);
  for (const [partition, highWatermark] of highWatermarks.entries()) {
    checkReplicas(cluster, partition, highWatermark, wrong);
  }
  return wrong.slice(0, NAMED_MAX);
}

/** Reads all partitions as a client; returns their high watermarks. */
export async function checkRecords(
  addresses: ReadonlyMap<number, Address>,
  acknowledged: readonly number[],
  wrong: string[],
): Promise<number[]> {
  const client = new ChaosClient({ clientId: 'chaos-checker', topic: TOPIC, addresses });
  const highWatermarks: number[] = [];
  try {
    await client.lookAgain();
    for (const [partition, count] of acknowledged.entries()) {
      highWatermarks.push(await checkPartition(client, partition, count, wrong));
    }
  } finally {
    client.close();
  }
  return highWatermarks;
}

/** Reads the partition from its start; returns its high watermark. */
async function checkPartition(
  client: ChaosClient,
  partition: number,
  acknowledged: number,
  wrong: string[],
): Promise<number> {
  let offset = 0;
  for (;;) {
    const { responses } = await client.ask(
      client.leaderOf(partition),
      calls.fetchCall,
      FETCH_VERSION,
      {
        maxWaitMs: 0,
        minBytes: 0,
        maxBytes: FETCH_BYTES,
        topics: [{ topic: TOPIC, partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: FETCH_BYTES }] }],
      },
      { timeoutMs: FETCH_TIMEOUT_MS },
    );
    const answer = responses[0]?.partitions[0];
    if (answer === undefined || answer.errorCode !== ErrorCode.NONE) {
      throw new Error(`${TOPIC}-${partition} cannot be read: ${errorName(answer?.errorCode ?? -1)}`);
    }
    const before = offset;
    for (const record of recordsIn(answer.records)) {
      if (record.offset < offset) continue;
      if (record.offset !== offset) wrong.push(`${TOPIC}-${partition}: nothing at offset ${offset}`);
      // Record n was written n-th. Another one here was written twice, or out of order, or in the place of a lost one.
      if (record.value !== record.offset) wrong.push(`${TOPIC}-${partition}: offset ${offset} says ${record.value}`);
      offset = record.offset + 1;
    }
    if (offset > before) continue;
    if (offset !== acknowledged) {
      wrong.push(`${TOPIC}-${partition}: ${acknowledged} records were acknowledged, ${offset} are there`);
    }
    return answer.highWatermark;
  }
}

function checkReplicas(cluster: Cluster, partition: number, highWatermark: number, wrong: string[]): void {
  const digests = NODE_IDS.map((id) =>
    digestBelow(join(cluster.process(id).dataFolder, `${TOPIC}-${partition}`), highWatermark),
  );
  if (digests.some((digest) => digest !== digests[0])) {
    wrong.push(`${TOPIC}-${partition}: the replicas differ below ${highWatermark}: ${digests.join(', ')}`);
  }
}

/** The digest of all batches below the offset, wherever the segments begin. */
function digestBelow(folder: string, highWatermark: number): string {
  const hash = createHash('sha256');
  let batches = 0;
  const segments = readdirSync(folder).filter((name) => name.endsWith('.log'));
  for (const segment of segments.sort()) {
    const bytes = readFileSync(join(folder, segment));
    let at = 0;
    while (bytes.length - at > 12 && batchBaseOffset(bytes, at) < highWatermark) {
      const size = batchSizeBytes(bytes, at);
      if (size <= 12 || size > bytes.length - at) break;
      batches += 1;
      at += size;
    }
    hash.update(bytes.subarray(0, at));
  }
  return `${batches} batches ${hash.digest('hex').slice(0, 12)}`;
}

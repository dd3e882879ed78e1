/** What the log's tests share: a broker's logs on a simulated disk and clock, and batches to put into them. */
import { buildBatch, type RecordInit } from '../protocol/mod.ts';
import { type Executor, type Network, type Runtime, silentLogger } from '../std/mod.ts';
import { MemoryDisk } from '../std/sim/memory-disk.ts';
import { SeededRandom } from '../std/sim/prng.ts';
import { SimClock } from '../std/sim/sim-clock.ts';
import type { LeaderAppendOptions } from './admission.ts';
import { DEFAULT_LOG_CONFIG, type LogConfig, type LogManagerConfig } from './log-config.ts';
import { LogManager } from './log-manager.ts';
import type { AppendResult, PartitionLog } from './partition-log.ts';
import type { ReadResult } from './read-result.ts';

export const TOPIC_ID = 'bG9nLXRlc3QtdG9waWMtaQ';

export interface World {
  readonly disk: MemoryDisk;
  readonly clock: SimClock;
  readonly random: SeededRandom;
  readonly runtime: Runtime;
}

export function makeWorld(seed = 1, disk?: MemoryDisk): World {
  const clock = new SimClock();
  const random = new SeededRandom(seed);
  const worldDisk = disk ?? new MemoryDisk({ clock });
  const executor: Executor = {
    async run(module, job, input) {
      const loaded = (await import(module)) as Record<string, (input: unknown, world: unknown) => unknown>;
      return (await loaded[job]?.(input, { disk: worldDisk })) as never;
    },
    async close() {},
  };
  const runtime: Runtime = { clock, random, disk: worldDisk, network: {} as Network, executor, log: silentLogger };
  return { disk: worldDisk, clock, random, runtime };
}

/** Opened and in use, as after the broker's registration. */
export async function openManager(
  world: World,
  config: Partial<LogConfig> = {},
  managerConfig: Partial<LogManagerConfig> = {},
): Promise<LogManager> {
  const manager = await openAsFound(world, config, managerConfig);
  manager.takeIntoUse();
  return manager;
}

export function openAsFound(
  world: World,
  config: Partial<LogConfig> = {},
  managerConfig: Partial<LogManagerConfig> = {},
): Promise<LogManager> {
  return LogManager.open({
    runtime: world.runtime,
    folders: ['/data'],
    nodeId: 1,
    clusterId: 'test-cluster',
    config: { cacheBytes: 4 * 1024 * 1024, cleanerEnabled: false, ...managerConfig },
    configOf: () => ({ ...DEFAULT_LOG_CONFIG, ...config }),
  });
}

export async function openLog(
  world: World,
  config: Partial<LogConfig> = {},
  managerConfig: Partial<LogManagerConfig> = {},
): Promise<{ manager: LogManager; log: PartitionLog }> {
  const manager = await openManager(world, config, managerConfig);
  const log = manager.get('t', 0) ?? (await manager.create('t', 0, TOPIC_ID, { ...DEFAULT_LOG_CONFIG, ...config }));
  return { manager, log };
}

export interface BatchOptions {
  readonly timestamp?: number;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly isTransactional?: boolean;
  readonly compression?: number;
}

export function batchOf(values: readonly (string | Partial<RecordInit>)[], options: BatchOptions = {}): Buffer {
  const timestamp = options.timestamp ?? 1_700_000_000_000;
  return buildBatch({
    ...options,
    records: values.map((value) =>
      typeof value === 'string'
        ? { timestamp, key: null, value: Buffer.from(value) }
        : { timestamp, key: null, value: null, ...value },
    ),
  });
}

export function markerOf(options: { producerId: number; producerEpoch: number; isCommit: boolean }): Buffer {
  const key = Buffer.from([0, 0, 0, options.isCommit ? 1 : 0]);
  const value = Buffer.alloc(6);
  return buildBatch({
    producerId: options.producerId,
    producerEpoch: options.producerEpoch,
    isTransactional: true,
    isControl: true,
    records: [{ timestamp: 1_700_000_000_000, key, value }],
  });
}

/** Appends and lets the turn end. */
export async function append(
  world: World,
  log: PartitionLog,
  batch: Buffer,
  options: Partial<LeaderAppendOptions> = {},
): Promise<AppendResult> {
  const answer = new Promise<AppendResult>((resolve) => {
    log.appendAsLeader(batch, { leaderEpoch: 0, origin: 'client', produceVersion: 12, ...options }, resolve);
  });
  await world.clock.settle();
  return answer;
}

/** All bytes from `offset` to the end, copied. */
export async function readAll(log: PartitionLog, offset: number, maxBytes = 1 << 20): Promise<Buffer> {
  const parts: Buffer[] = [];
  let next = offset;
  for (;;) {
    const result: ReadResult = await log.read({
      offset: next,
      maxBytes,
      upperBoundOffset: Number.MAX_SAFE_INTEGER,
      minOneBatch: true,
    });
    if (result.sizeBytes === 0) return Buffer.concat(parts);
    const bytes = Buffer.concat(result.chunks);
    result.release();
    parts.push(bytes);
    next = endOffsetOf(bytes);
  }
}

export function endOffsetOf(batches: Buffer): number {
  let end = 0;
  for (let at = 0; at < batches.length; at += batches.readInt32BE(at + 8) + 12) {
    end = Number(batches.readBigInt64BE(at)) + batches.readInt32BE(at + 23) + 1;
  }
  return end;
}

/** What is measured: one function per figure, the same for every peer. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exists, mustRun } from '../support/command.ts';
import { residentMegabytes } from '../support/process-cost.ts';

const shared = fileURLToPath(new URL('../../../shared/', import.meta.url));
let kload = '';

/** Builds the load generator; false where that cannot be done. */
export async function buildLoad(): Promise<boolean> {
  const build = join(shared, 'load/build.sh');
  if (!existsSync(build) || !(await exists('gcc'))) return false;
  const { stdout } = await mustRun(build, [], { timeoutMs: 600_000 });
  kload = join(stdout.toString().trim().split('\n').at(-1) as string, 'kload');
  return true;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  /** The ratio to Kafka that we want to reach; above 1 more is better, below 1 less is better. */
  readonly goal: number;
  readonly lessIsBetter?: boolean;
  readonly measure: (peer: Peer, topic: string, scale: number) => Promise<number>;
}

export interface Peer {
  readonly name: 'ottla' | 'kafka';
  readonly bootstrap: string;
  readonly port: number;
  /** Of every broker. */
  readonly pids: () => readonly number[];
}

async function load(mode: string, peer: Peer, topic: string, args: readonly string[]): Promise<Record<string, number>> {
  const { stdout } = await mustRun(kload, [mode, '-b', peer.bootstrap, '-t', topic, ...args], { timeoutMs: 180_000 });
  return JSON.parse(stdout.toString().trim().split('\n').at(-1) ?? '{}') as Record<string, number>;
}

const figure = (result: Record<string, number>, ...names: string[]): number => {
  for (const name of names) if (result[name] !== undefined) return result[name] as number;
  throw new Error(`kload answered ${JSON.stringify(result)}`);
};

const produce =
  (count: number, bytes: number, ...extra: string[]) =>
  async (peer: Peer, topic: string, scale: number): Promise<number> => {
    const n = Math.max(2000, Math.round(count * scale));
    return figure(await load('produce', peer, topic, ['-n', `${n}`, '-s', `${bytes}`, ...extra]), 'messages_per_s');
  };

/** One broker, replication factor 1. */
export const singleScenarios: readonly Scenario[] = [
  {
    name: 'produce-1k',
    title: 'produce 1 kB, acks=1',
    unit: 'msg/s',
    goal: 2,
    measure: produce(2_000_000, 1000, '-X', 'acks=1'),
  },
  {
    name: 'produce-100',
    title: 'produce 100 B, acks=1',
    unit: 'msg/s',
    goal: 1.5,
    measure: produce(15_000_000, 100, '-X', 'acks=1'),
  },
  {
    name: 'produce-idempotent',
    title: 'produce 1 kB, acks=all, idempotent',
    unit: 'msg/s',
    goal: 2,
    measure: produce(2_000_000, 1000, '-X', 'enable.idempotence=true'),
  },
  {
    name: 'produce-single',
    title: 'produce 100 B, one record per request',
    unit: 'req/s',
    goal: 3,
    measure: produce(100_000, 100, '-X', 'linger.ms=0', '-X', 'batch.num.messages=1', '-X', 'acks=1'),
  },
  {
    name: 'consume-1k',
    title: 'consume 1 kB from the start',
    unit: 'msg/s',
    goal: 1,
    async measure(peer, topic, scale) {
      const n = `${Math.round(1_000_000 * scale)}`;
      await load('produce', peer, topic, ['-n', n, '-s', '1000', '-X', 'acks=1']);
      return figure(await load('consume', peer, topic, ['-n', n]), 'messages_per_s');
    },
  },
  {
    name: 'latency',
    title: 'end to end p99 at 1,000 msg/s of 100 B',
    unit: 'ms',
    goal: 1,
    lessIsBetter: true,
    async measure(peer, topic, scale) {
      const seconds = `${Math.max(4, Math.round(12 * scale))}`;
      const result = await load('e2e', peer, topic, ['-r', '1000', '-d', seconds, '-s', '100', '-X', 'linger.ms=0']);
      return figure(result, 'p99_ms');
    },
  },
  {
    name: 'memory',
    title: 'resident memory after the load above',
    unit: 'MB',
    goal: 0.35,
    lessIsBetter: true,
    measure: residentMemory,
  },
];

const replicated = ['-P', '6', '-X', 'acks=all'];

/** Three brokers, replication factor 3, min.insync.replicas 2. Memory comes first, while nothing has happened. */
export const clusterScenarios: readonly Scenario[] = [
  {
    name: 'cluster-memory',
    title: 'resident memory of three idle brokers',
    unit: 'MB',
    goal: 0.25,
    lessIsBetter: true,
    measure: residentMemory,
  },
  {
    name: 'cluster-1k',
    title: 'produce 1 kB, acks=all, three replicas',
    unit: 'msg/s',
    goal: 1.5,
    measure: produce(500_000, 1000, ...replicated),
  },
  {
    name: 'cluster-100',
    title: 'produce 100 B, acks=all, three replicas',
    unit: 'msg/s',
    goal: 1.5,
    measure: produce(4_000_000, 100, ...replicated),
  },
  {
    name: 'cluster-latency',
    title: 'acknowledgement p99 at 1,000 msg/s, acks=all, three replicas',
    unit: 'ms',
    goal: 0.2,
    lessIsBetter: true,
    async measure(peer, topic, scale) {
      const seconds = `${Math.max(4, Math.round(12 * scale))}`;
      // The first half second of an idempotent librdkafka goes by before it sends anything: more than one in a hundred.
      const plain = ['-X', 'enable.idempotence=false'];
      const result = await load('avail', peer, topic, ['-r', '1000', '-d', seconds, '-P', '6', ...plain]);
      return figure(result, 'ack_p99_ms');
    },
  },
];

async function residentMemory(peer: Peer): Promise<number> {
  return peer.pids().reduce((sum, pid) => sum + residentMegabytes(pid), 0);
}

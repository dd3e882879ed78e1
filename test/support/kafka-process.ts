/** A real Apache Kafka beside our broker, where this machine can start one. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePortRange } from './broker-process.ts';
import { exists, mustRun, run } from './command.ts';
import { findKafkaHome, kafkaLauncher } from './kafka-home.ts';

export interface KafkaProcess {
  readonly bootstrap: string;
  readonly port: number;
  /** From the start of a formatted, empty broker to its "started" line. */
  readonly startMs: number;
  /** Of the first broker, and of all. */
  readonly pid: () => number;
  readonly pids: () => number[];
  /** Holds the data folder of broker N as `N`. */
  readonly folder: string;
  /** Ends the process and keeps its folder, until `resume` starts it there again. */
  halt(): Promise<unknown>;
  resume(): Promise<unknown>;
  /** Ends the process and removes its folder. */
  stop(): Promise<void>;
}

/** Starts brokers in a temporary folder; undefined where Kafka cannot be had. */
export async function startKafka(
  overrides: readonly string[] = [],
  { brokers = 1 }: { readonly brokers?: number } = {},
): Promise<KafkaProcess | undefined> {
  if (!existsSync(kafkaLauncher) || !(await exists('java')) || (await findKafkaHome()) === undefined) return undefined;
  const port = await freePortRange(brokers);
  const folder = mkdtempSync(join(tmpdir(), 'ottla-kafka-'));
  const settings = overrides.flatMap((override) => ['-o', override]);
  const args = ['start', '-n', `${brokers}`, '-p', `${port}`, '-d', folder, ...settings];
  const stop = (): Promise<unknown> => run(kafkaLauncher, ['stop', '-d', folder], { timeoutMs: 60_000 });
  // The first start formats the folder; only the second is a start as Kafka's users know it.
  await mustRun(kafkaLauncher, args, { timeoutMs: 120_000 });
  await stop();
  const started = performance.now();
  await mustRun(kafkaLauncher, args, { timeoutMs: 120_000 });
  const startMs = performance.now() - started;
  const pids = (): number[] =>
    Array.from({ length: brokers }, (_, index) => Number(readFileSync(join(folder, `${index + 1}.pid`), 'utf8')));
  return {
    bootstrap: Array.from({ length: brokers }, (_, index) => `127.0.0.1:${port + index}`).join(','),
    port,
    startMs,
    folder,
    halt: stop,
    resume: () => mustRun(kafkaLauncher, args, { timeoutMs: 120_000 }),
    pid: () => pids()[0] as number,
    pids,
    async stop() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

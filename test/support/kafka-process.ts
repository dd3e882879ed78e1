/** A real Apache Kafka beside our broker, where this machine can start one. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './broker-process.ts';
import { exists, mustRun, run } from './command.ts';
import { findKafkaHome, kafkaLauncher } from './kafka-home.ts';

export interface KafkaProcess {
  readonly bootstrap: string;
  readonly port: number;
  /** From the start of a formatted, empty broker to its "started" line. */
  readonly startMs: number;
  readonly pid: () => number;
  /** Holds the data folder of broker N as `N`. */
  readonly folder: string;
  /** Ends the process and keeps its folder, until `resume` starts it there again. */
  halt(): Promise<unknown>;
  resume(): Promise<unknown>;
  /** Ends the process and removes its folder. */
  stop(): Promise<void>;
}

/** Starts one broker in a temporary folder; undefined where Kafka cannot be had. */
export async function startKafka(overrides: readonly string[] = []): Promise<KafkaProcess | undefined> {
  if (!existsSync(kafkaLauncher) || !(await exists('java')) || (await findKafkaHome()) === undefined) return undefined;
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'ottla-kafka-'));
  const settings = overrides.flatMap((override) => ['-o', override]);
  const args = ['start', '-n', '1', '-p', `${port}`, '-d', folder, ...settings];
  const stop = (): Promise<unknown> => run(kafkaLauncher, ['stop', '-d', folder], { timeoutMs: 60_000 });
  // The first start formats the folder; only the second is a start as Kafka's users know it.
  await mustRun(kafkaLauncher, args, { timeoutMs: 120_000 });
  await stop();
  const started = performance.now();
  await mustRun(kafkaLauncher, args, { timeoutMs: 120_000 });
  const startMs = performance.now() - started;
  const pidFile = (await mustRun('sh', ['-c', `ls ${folder}/*.pid | head -1`])).stdout.toString().trim();
  return {
    bootstrap: `127.0.0.1:${port}`,
    port,
    startMs,
    folder,
    halt: stop,
    resume: () => mustRun(kafkaLauncher, args, { timeoutMs: 120_000 }),
    pid: () => Number(readFileSync(pidFile, 'utf8')),
    async stop() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Where Apache Kafka's tools are: KAFKA_HOME, or what can be built beside the repository. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { exists, run } from './command.ts';

/** The launcher beside the repository, which downloads Kafka's published packages once. */
export const kafkaLauncher = fileURLToPath(new URL('../../../shared/kafka/kafka.sh', import.meta.url));
/** The launcher colours its progress. */
const ANSI = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

/** A folder with Kafka's bin/ and libs/; undefined when there is none and none can be made here. */
export async function findKafkaHome(): Promise<string | undefined> {
  if (process.env.KAFKA_HOME !== undefined) return process.env.KAFKA_HOME;
  if (!existsSync(kafkaLauncher) || !(await exists('java'))) return undefined;
  const { status, stdout } = await run(kafkaLauncher, ['home'], { timeoutMs: 600_000 });
  return status === 0 ? stdout.toString().replaceAll(ANSI, '').trim().split('\n').at(-1) : undefined;
}

/** What the replicas of a partition hold once all of them are stopped: the same batches, byte for byte. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from '../support/command.ts';
import { ensure, equal, type Tally } from '../support/tally.ts';

const TOOL_TIMEOUT_MS = 90_000;
/** The topic whose segments Kafka's tool prints record by record. */
const PRINTED = 'java-perf-0';

export async function sameLogsSuite(tally: Tally, folders: readonly string[], kafkaHome: string): Promise<void> {
  await tally.check('the replicas of every partition hold the same bytes', () => {
    const seen = new Map<string, Buffer>();
    let compared = 0;
    for (const folder of folders) {
      for (const [name, bytes] of logsIn(folder)) {
        const other = seen.get(name);
        seen.set(name, bytes);
        if (other === undefined) continue;
        compared++;
        ensure(bytes.equals(other), `${name} differs in ${folder}: ${bytes.length} and ${other.length} bytes`);
      }
    }
    ensure(compared > 50, `only ${compared} replicas were compared`);
  });

  await tally.check('DumpLogSegments prints the same records of all replicas', async () => {
    const printed: string[] = [];
    for (const folder of folders) {
      const file = join(folder, PRINTED, '00000000000000000000.log');
      const args = ['--print-data-log', '--deep-iteration', '--files', file];
      const dump = join(kafkaHome, 'bin/kafka-dump-log.sh');
      const { stdout } = await mustRun(dump, args, { timeoutMs: TOOL_TIMEOUT_MS });
      printed.push(stdout.toString().replaceAll(folder, ''));
    }
    ensure((printed[0]?.split('\n').length ?? 0) > 1000, 'records are printed');
    for (const other of printed.slice(1)) equal(other, printed[0], PRINTED);
  });
}

/** Every segment with records, as `topic-partition/segment`; a replica that is only here compares with nothing. */
function* logsIn(folder: string): Iterable<[name: string, bytes: Buffer]> {
  for (const partition of readdirSync(folder)) {
    if (!/^[^_.].*-\d+$/.test(partition)) continue;
    for (const file of readdirSync(join(folder, partition))) {
      if (file.endsWith('.log')) yield [`${partition}/${file}`, readFileSync(join(folder, partition, file))];
    }
  }
}

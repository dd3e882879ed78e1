/** A check that finds nothing proves nothing until it was seen to find what is there. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pause } from '../support/real-world.ts';
import { ensure, equal } from '../support/tally.ts';
import { PARTITIONS, TOPIC } from './broker-group.ts';
import { checkEverything } from './checker.ts';
import { Cluster } from './cluster.ts';
import { Load } from './load.ts';

const LOAD_MS = 500;
/** Inside the first batch, behind its header. */
const FLIPPED_AT = 150;

/** Loses a record and flips a bit of a replica, and expects to be told of both. */
export async function checkTheChecker(): Promise<void> {
  const cluster = await Cluster.start({ isProxied: false, overrides: {} });
  try {
    const load = new Load({ topic: TOPIC, partitions: PARTITIONS, addresses: cluster.group.addresses });
    await pause(LOAD_MS);
    await load.stop();
    equal(await checkEverything(cluster, load.acknowledged), [], 'what is wrong without any fault');
    load.acknowledged[1] = (load.acknowledged[1] as number) + 1;
    const file = join(cluster.process(2).dataFolder, `${TOPIC}-3`, `${'0'.repeat(20)}.log`);
    const bytes = readFileSync(file);
    bytes[FLIPPED_AT] = (bytes[FLIPPED_AT] as number) ^ 1;
    writeFileSync(file, bytes);
    const wrong = (await checkEverything(cluster, load.acknowledged)).join('\n');
    ensure(wrong.includes('records were acknowledged'), `a lost record was not noticed: ${wrong}`);
    ensure(wrong.includes('the replicas differ'), `a flipped bit was not noticed: ${wrong}`);
  } finally {
    await cluster.close();
    cluster.removeFolder();
  }
}

/**
 * A process that appends to a folder's store until it is killed, beside others that do the same. It tells each batch
 * that it won on its standard output, after the append returned; now and then it writes a snapshot and trims.
 *
 *   node test/support/store-writer.ts FOLDER NAME
 */
import { writeSync } from 'node:fs';
import { FilesStore } from '../../broker/coordination/mod.ts';
import { silentLogger } from '../../broker/std/mod.ts';
import { nodeRuntime } from '../../broker/std/node-runtime.ts';

const SNAPSHOT_EVERY = 25;
const BATCHES_KEPT = 60;
const STANDARD_OUTPUT = 1;

const [folder = '', name = ''] = process.argv.slice(2);
const store = new FilesStore({ ...nodeRuntime(silentLogger), folder });

for (let count = 0; ; count++) {
  const offset = await store.end();
  const text = `${name} ${count} at ${offset}`;
  try {
    await store.append(offset, Buffer.from(text));
  } catch (error) {
    if ((error as { code?: string }).code !== 'store.conflict') throw error;
    continue;
  }
  writeSync(STANDARD_OUTPUT, `${offset}\t${text}\n`);
  if (offset % SNAPSHOT_EVERY !== 0) continue;
  try {
    const chunks = [0, 1].map((index) => Buffer.from(`${name} ${offset} ${index}`));
    await store.writeSnapshot({ controllerEpoch: 1, offset: offset + 1, chunks });
    await store.trim(offset - BATCHES_KEPT);
  } catch (error) {
    if ((error as { code?: string }).code !== 'store.conflict') throw error;
  }
}

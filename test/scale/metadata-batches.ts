/** What the folder of a coordination store holds. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** The batches of a metadata log in a folder, by their offset. */
export function metadataBatches(folder: string): Map<number, number> {
  const batches = new Map<number, number>();
  for (const name of readdirSync(join(folder, 'log'))) {
    if (/^\d+$/.test(name)) batches.set(Number(name), statSync(join(folder, 'log', name)).size);
  }
  return batches;
}

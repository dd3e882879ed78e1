/** What a log folder says of its owner, before anything in it is opened. */
import type { Disk } from '../std/mod.ts';
import { META_PROPERTIES_FILE, type MetaProperties, readMetaProperties } from './checkpoints.ts';

/** The identity in the first folder that has one; undefined when all are new. */
export function identifyFolders(disk: Disk, folders: readonly string[]): MetaProperties | undefined {
  for (const folder of folders) {
    const path = `${folder}/${META_PROPERTIES_FILE}`;
    const known = disk.exists(path) ? readMetaProperties(disk, path) : undefined;
    if (known !== undefined) return known;
  }
  return undefined;
}

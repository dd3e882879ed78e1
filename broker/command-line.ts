/** The configuration that a command was given: a properties file, and values that win over it. */
import { resolve } from 'node:path';
import { parseOverride, parseProperties } from './config/mod.ts';
import { BrokerError, type Disk } from './std/mod.ts';

/** For parseArgs of node:util. */
export const CONFIG_OPTIONS = {
  config: { type: 'string' },
  override: { type: 'string', multiple: true },
  help: { type: 'boolean' },
} as const;

/** Kafka's names to values; folders are absolute. Throws BrokerError `config.invalid`. */
export function propertiesOf(
  args: { readonly config?: string | undefined; readonly override?: readonly string[] | undefined },
  disk: Pick<Disk, 'readFile'>,
  defaults: Readonly<Record<string, string>> = {},
): Map<string, string> {
  const properties = new Map(Object.entries(defaults));
  if (args.config !== undefined) {
    let text: string;
    try {
      text = disk.readFile(args.config).toString('utf8');
    } catch (error) {
      throw new BrokerError('config.invalid', `--config ${args.config} cannot be read: ${(error as Error).message}`);
    }
    for (const [key, value] of parseProperties(text)) properties.set(key, value);
  }
  for (const override of args.override ?? []) properties.set(...parseOverride(override));
  const folders = properties.get('log.dirs') ?? properties.get('log.dir');
  if (folders !== undefined) {
    const absolute = folders.split(',').map((folder) => resolve(folder.trim()));
    properties.set('log.dirs', absolute.join(','));
  }
  return properties;
}

/**
 * Looks at the metadata log, and mends a store that was put back to an earlier time.
 *
 *   npm run metadata -- dump [--copy] [--json] [--config server.properties] [--override key=value]...
 *   npm run metadata -- restore [--apply] [--config server.properties] [--override key=value]...
 */
import { parseArgs } from 'node:util';
import { CONFIG_OPTIONS, propertiesOf } from './command-line.ts';
import { BrokerConfig } from './config/mod.ts';
import { describeRestore, dumpMetadata } from './metadata-tool.ts';
import { BrokerError, silentLogger } from './std/mod.ts';
import { nodeRuntime } from './std/node-runtime.ts';

const USAGE = `Usage:
  npm run metadata -- dump [--copy] [--json]     every record that the store holds, oldest first
  npm run metadata -- restore [--apply]          puts what this broker knows into a store that went back in time

  --copy                 dump what this broker's own disk knows, instead of the store
  --json                 one JSON object a line
  --apply                restore for real; without it, only says what would be done
  --config FILE          the broker's own server.properties: it names the store and the data folder
  --override KEY=VALUE   wins over the file; may be given several times

Restore from the broker that knows most: 'dump --copy' ends with how far its copy reaches. Brokers may run meanwhile;
they go on by themselves once it is done. A copy that a broker who answers knows more than is refused. One that was cut
off is done again. In a pod: node /opt/ottla/metadata-main.mjs restore --config /etc/ottla/server.properties
`;

const runtime = nodeRuntime(silentLogger);
const print = (line: string): void => void process.stdout.write(`${line}\n`);
try {
  const { values: args, positionals } = parseArgs({
    args: process.argv.slice(2),
    allowPositionals: true,
    options: {
      ...CONFIG_OPTIONS,
      copy: { type: 'boolean' },
      json: { type: 'boolean' },
      apply: { type: 'boolean' },
    },
  });
  const [command] = positionals;
  const config = new BrokerConfig(propertiesOf(args, runtime.disk, { 'log.dirs': './data' }));
  if (args.help === true || command === undefined) print(USAGE);
  else if (command === 'dump') await dumpMetadata({ runtime, config, print, copy: args.copy, json: args.json });
  else if (command === 'restore') await describeRestore({ runtime, config, print, apply: args.apply === true });
  else throw new BrokerError('config.invalid', `there is no command '${command}'; there are dump and restore`);
} catch (error) {
  const isExpected = error instanceof BrokerError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  process.stderr.write(`ottla: ${isExpected ? (error as Error).message : (error as Error).stack}\n`);
  process.exitCode = 1;
}

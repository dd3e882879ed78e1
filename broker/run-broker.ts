/** What `main.ts` runs once modules load from the cache: the process around a broker. */
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { CONFIG_OPTIONS, propertiesOf } from './command-line.ts';
import { BrokerConfig } from './config/mod.ts';
import { chosenCrc32c } from './protocol/mod.ts';
import { type RunningBroker, startBroker } from './start-broker.ts';
import { claimFolder } from './std/folder-claim.ts';
import { BrokerError, type Logger } from './std/mod.ts';
import { serveHttp } from './std/node-http.ts';
import { limitYoungGeneration } from './std/node-memory.ts';
import { nodeRuntime } from './std/node-runtime.ts';
import { stopSettings } from './stop-settings.ts';
import type { StopSignals } from './stop-signals.ts';

const USAGE = `Usage: npm run broker -- [--config server.properties] [--override key=value]...

  --config FILE          Kafka's properties format
  --override KEY=VALUE   wins over the file; may be given several times
  --quick-start          data in ./data, listeners on localhost:9092
  --help                 this text

Ottla's own keys:
  ottla.http.host, ottla.http.port     probes and /metrics; port -1 switches them off
  ottla.stop.permit.ms                 how long SIGTERM waits until the cluster can spare this broker, default 5000;
                                       0 asks for no permit and goes at once
  ottla.stop.grace.ms                  how long after SIGTERM the process may live, default 30000; logs are flushed
                                       10 s before its end at the latest
  ottla.coordination                   where brokers agree: files (default), redis, kubernetes
  ottla.coordination.folder            files: default a folder in the first of log.dirs
  ottla.coordination.url               redis: redis://[user:password@]host:port[/database]
  ottla.coordination.namespace         kubernetes: default the pod's, or that of the kubeconfig's context
  ottla.coordination.lease             redis, kubernetes: the name of the cluster's lease, default ottla
`;

const QUICK_START = { 'node.id': '1', listeners: 'PLAINTEXT://localhost:9092', 'log.dirs': './data' };
const HTTP_PORT = '9404';

export async function runBroker(argv: readonly string[], stop: StopSignals): Promise<void> {
  const { values: args } = parseArgs({
    args: [...argv],
    options: {
      ...CONFIG_OPTIONS,
      'quick-start': { type: 'boolean' },
    },
  });
  if (args.help === true) {
    process.stdout.write(USAGE);
    return;
  }
  const log = pino({ level: process.env.OTTLA_LOG_LEVEL ?? 'info' }, pino.destination({ dest: 2, sync: true }));
  limitYoungGeneration();
  const startedMs = performance.now();
  let running: RunningBroker;
  try {
    running = await start(args, log as Logger, stop);
  } catch (error) {
    if (stop.requested.aborted) {
      log.info({ signal: stop.name }, 'broker stopped before it served');
      return stop.end();
    }
    const isExpected = error instanceof BrokerError;
    process.stderr.write(`ottla: ${isExpected ? error.message : (error as Error).stack}\n`);
    process.exitCode = 1;
    return;
  }
  const readyMs = Math.round(performance.now() - startedMs);
  announce(running, readyMs, args['quick-start'] === true);
  log.info({ readyMs, crc32c: chosenCrc32c.name, nodeId: running.broker.nodeId }, 'broker is serving');
  const close = (): Promise<void> => closeAndEnd(running, log as Logger, stop);
  if (stop.requested.aborted) await close();
  else stop.requested.addEventListener('abort', () => void close());
}

async function start(
  args: { readonly config?: string; readonly override?: string[]; readonly 'quick-start'?: boolean },
  log: Logger,
  stop: StopSignals,
): Promise<RunningBroker> {
  const runtime = nodeRuntime(log);
  const properties = propertiesOf(args, runtime.disk, args['quick-start'] === true ? QUICK_START : {});
  const config = new BrokerConfig(properties);
  stop.endAfter(stopSettings(config).graceMs);
  for (const sentence of config.unknownKeys()) log.warn({}, sentence);
  for (const folder of config.logFolders) claimFolder(folder);
  let running: RunningBroker | undefined;
  await serveProbes(() => running, properties, log);
  const onFatal = (error: BrokerError): void => {
    process.stderr.write(`ottla: ${error.message}\n`);
    stop.endAtOnce();
  };
  running = await startBroker({ runtime, config, stop: stop.requested, onFatal });
  return running;
}

async function closeAndEnd(running: RunningBroker, log: Logger, stop: StopSignals): Promise<void> {
  try {
    await running.close();
    log.info({ signal: stop.name }, 'broker stopped');
  } catch (error) {
    log.error({ err: error }, 'broker could not stop cleanly');
  }
  stop.end();
}

/**
 * Served from the first moment: a broker that waits for its store, or reads its logs again after a crash, is alive for
 * as long as that takes.
 */
async function serveProbes(
  running: () => RunningBroker | undefined,
  properties: ReadonlyMap<string, string>,
  log: Logger,
): Promise<void> {
  const port = Number(properties.get('ottla.http.port') ?? HTTP_PORT);
  if (port < 0) return;
  const host = properties.get('ottla.http.host') ?? '127.0.0.1';
  try {
    const { port: bound } = await serveHttp({ host, port }, async (path) => {
      const broker = running();
      if (path === '/metrics' && broker !== undefined) {
        const { contentType, text } = await broker.telemetry.render();
        return { status: 200, contentType, body: text };
      }
      if (path === '/metrics') return { status: 503, contentType: 'text/plain', body: 'the broker starts\n' };
      if (path === '/healthz') return { status: 200, contentType: 'text/plain', body: 'ok\n' };
      if (path === '/readyz') {
        const isReady = broker?.isReady() === true;
        return { status: isReady ? 200 : 503, contentType: 'text/plain', body: isReady ? 'ready\n' : 'not ready\n' };
      }
      return undefined;
    });
    log.info({ host, port: bound }, 'probes and metrics are served');
  } catch (error) {
    log.warn({ err: error, host, port }, 'probes and metrics are not served');
  }
}

function announce(running: RunningBroker, readyMs: number, isQuickStart: boolean): void {
  const client = running.listeners.find(({ isControl }) => !isControl);
  const address = `${client?.advertisedHost}:${client?.advertisedPort}`;
  process.stdout.write(`Ottla broker ${running.broker.nodeId} serves ${address} (ready in ${readyMs} ms)\n`);
  if (!isQuickStart) return;
  process.stdout.write(`
Try it:
  echo hello | kcat -b ${address} -P -t greetings
  kcat -b ${address} -C -t greetings -o beginning -e
  npm run example            (the same from Node)
  curl -s http://127.0.0.1:${HTTP_PORT}/metrics | grep bytesin

Stop it with Ctrl-C. Data is in ./data.
`);
}

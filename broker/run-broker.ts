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

const USAGE = `Usage: npm run broker -- [--config server.properties] [--override key=value]...

  --config FILE          Kafka's properties format
  --override KEY=VALUE   wins over the file; may be given several times
  --quick-start          data in ./data, listeners on localhost:9092
  --help                 this text

Ottla's own keys:
  ottla.http.host, ottla.http.port     probes and /metrics; port -1 switches them off
  ottla.stop.permit.ms                 how long SIGTERM waits until the cluster can spare this broker, default 5000
  ottla.coordination                   where brokers agree: files (default), redis, kubernetes
  ottla.coordination.folder            files: default a folder in the first of log.dirs
  ottla.coordination.url               redis: redis://[user:password@]host:port[/database]
  ottla.coordination.namespace         kubernetes: default the pod's, or that of the kubeconfig's context
  ottla.coordination.lease             redis, kubernetes: the name of the cluster's lease, default ottla
`;

const QUICK_START = { 'node.id': '1', listeners: 'PLAINTEXT://localhost:9092', 'log.dirs': './data' };
const HTTP_PORT = '9404';

const STOP_PERMIT_KEY = 'ottla.stop.permit.ms';
const STOP_PERMIT_MS = 5000;
/** A drain that takes longer than this is cut short: what is acknowledged is in the page cache either way. */
const CLOSE_TIMEOUT_MS = 20_000;

export async function runBroker(argv: readonly string[]): Promise<void> {
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
  let started: { readonly running: RunningBroker; readonly permitMs: number };
  try {
    started = await start(args, log as Logger);
  } catch (error) {
    const isExpected = error instanceof BrokerError;
    process.stderr.write(`ottla: ${isExpected ? error.message : (error as Error).stack}\n`);
    process.exitCode = 1;
    return;
  }
  const { running, permitMs } = started;
  const readyMs = Math.round(performance.now() - startedMs);
  announce(running, readyMs, args['quick-start'] === true);
  log.info({ readyMs, crc32c: chosenCrc32c.name, nodeId: running.broker.nodeId }, 'broker is serving');
  closeOnSignal(running, permitMs, log as Logger);
}

async function start(
  args: { readonly config?: string; readonly override?: string[]; readonly 'quick-start'?: boolean },
  log: Logger,
): Promise<{ readonly running: RunningBroker; readonly permitMs: number }> {
  const runtime = nodeRuntime(log);
  const properties = propertiesOf(args, runtime.disk, args['quick-start'] === true ? QUICK_START : {});
  const config = new BrokerConfig(properties);
  for (const sentence of config.unknownKeys()) log.warn({}, sentence);
  for (const folder of config.logFolders) claimFolder(folder);
  const permitMs = stopPermitMs(properties);
  let running: RunningBroker | undefined;
  await serveProbes(() => running, properties, log);
  running = await startBroker({ runtime, config });
  return { running, permitMs };
}

function stopPermitMs(properties: ReadonlyMap<string, string>): number {
  const text = properties.get(STOP_PERMIT_KEY) ?? String(STOP_PERMIT_MS);
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new BrokerError('config.invalid', `${STOP_PERMIT_KEY} is '${text}'; write a whole number of milliseconds`);
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

/**
 * Ends by raising the signal again, not by process.exit(): under load the latter can hang for ever in Node 24, when the
 * main thread waits for workers that wait for a garbage collection. PID 1 has no choice: the kernel drops the signals
 * that it sends itself.
 */
function closeOnSignal(running: RunningBroker, permitMs: number, log: Logger): void {
  let isClosing = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (isClosing) return;
      isClosing = true;
      const end = (): void => {
        process.removeAllListeners('SIGTERM');
        process.removeAllListeners('SIGINT');
        if (process.pid === 1) process.exit();
        process.kill(process.pid, signal);
      };
      setTimeout(end, permitMs + CLOSE_TIMEOUT_MS);
      running.close({ permitMs }).then(
        () => {
          log.info({ signal }, 'broker stopped');
          end();
        },
        (error: unknown) => {
          log.error({ err: error }, 'broker could not stop cleanly');
          end();
        },
      );
    });
  }
}

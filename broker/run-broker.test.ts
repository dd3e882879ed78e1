/** The process around a broker, as orchestrators see it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { BrokerProcess, freePort } from '../test/support/broker-process.ts';
import { run } from '../test/support/command.ts';
import { pause } from '../test/support/real-world.ts';

const STOP_MS_MAX = 10_000;

const started: BrokerProcess[] = [];
afterEach(async () => {
  for (const broker of started.splice(0)) await broker.close();
});

async function start(overrides: Record<string, string>): Promise<BrokerProcess> {
  const broker = await BrokerProcess.start({ overrides, waitsUntilServing: false });
  started.push(broker);
  return broker;
}

const statusOf = async (port: number, path: string): Promise<number> =>
  (await fetch(`http://127.0.0.1:${port}${path}`)).status;

test('a broker that waits for its store is alive and not ready', async () => {
  const [http, nobody] = [await freePort(), await freePort()];
  const broker = await start({
    'ottla.http.port': `${http}`,
    'ottla.coordination': 'redis',
    'ottla.coordination.url': `redis://127.0.0.1:${nobody}`,
  });
  expect(await statusOf(http, '/healthz')).toBe(200);
  expect(await statusOf(http, '/readyz')).toBe(503);
  expect(await statusOf(http, '/metrics')).toBe(503);
  // Nothing of it is open yet, so it need not say goodbye to anybody.
  await broker.signal('SIGTERM');
  expect(broker.output).toContain('broker stopped before it served');
});

test.each(['ottla.stop.permit.ms', 'ottla.stop.grace.ms'])(
  'a time to stop that is no number is refused: %s',
  async (key) => {
    await expect(start({ [key]: '5 s' })).rejects.toThrow(`${key} is '5 s'; write a whole number of milliseconds`);
  },
);

/** Threads of the pool; others of the process come and go. They are there with the first use, so when it serves. */
function poolThreads(pid: number | undefined): number {
  const nameOf = (thread: string): string => readFileSync(`/proc/${pid}/task/${thread}/comm`, 'utf8').trim();
  return readdirSync(`/proc/${pid}/task`).filter((thread) => nameOf(thread) === 'libuv-worker').length;
}

test.skipIf(process.platform !== 'linux')('sixteen syncs of a slow disk run side by side', async () => {
  const broker = await BrokerProcess.start();
  started.push(broker);
  expect(poolThreads(broker.pid)).toBe(16);
});

/** Only root may make a process namespace. */
const canBePid1 = process.platform === 'linux' && process.getuid?.() === 0;
describe.skipIf(!canBePid1)('a broker that is PID 1 can be stopped', () => {
  test.each([
    ['when it serves', () => [], 'serves'],
    [
      'while it waits for its store',
      (nobody: number) => ['ottla.coordination=redis', `ottla.coordination.url=redis://127.0.0.1:${nobody}`],
      'could not be followed',
    ],
  ])('%s', async (_, more, sign) => {
    const folder = mkdtempSync(join(tmpdir(), 'ottla-pid1-'));
    const port = await freePort();
    const settings = [`listeners=PLAINTEXT://127.0.0.1:${port}`, 'ottla.http.port=-1', `log.dirs=${folder}`];
    const overrides = [...settings, ...more(await freePort())].flatMap((setting) => ['--override', setting]);
    const args = ['--pid', '--fork', '--kill-child', process.execPath, 'broker/main.ts', ...overrides];
    const child = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = new Promise<string>((resolve) => child.once('exit', () => resolve('ended')));
    try {
      await new Promise<void>((resolve) => {
        const look = (text: Buffer): void => (text.includes(sign) ? resolve() : undefined);
        child.stdout.on('data', look);
        child.stderr.on('data', look);
      });
      const { stdout } = await run('pgrep', ['-P', `${child.pid}`]);
      process.kill(Number(stdout), 'SIGTERM');
      expect(await Promise.race([ended, pause(STOP_MS_MAX)])).toBe('ended');
    } finally {
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

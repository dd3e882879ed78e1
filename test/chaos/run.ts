/**
 * Three broker processes under load, broken in every way this machine allows: `npm run chaos`.
 *
 *   npm run chaos [-- --fault name,name] [--rounds N] [--store files|redis]
 *   npm run chaos -- --availability [--rounds N]       the pause of writes beside a real Kafka, with librdkafka
 *   npm run chaos -- --outage MINUTES [--store redis]  what clients notice while the store is away
 *
 * Each fault gets a cluster of its own. A round begins when every replica is in sync and ends when it is again; in
 * between something breaks and is mended. When a fault has had its rounds, everything is read and compared.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RedisServer } from '../stores/redis-server.ts';
import { ensureCommand } from '../support/command.ts';
import { pause } from '../support/real-world.ts';
import { Tally } from '../support/tally.ts';
import { compareAvailability } from './availability.ts';
import { PARTITIONS, TOPIC } from './broker-group.ts';
import { checkEverything } from './checker.ts';
import { CLIENT_SETTINGS, runtime } from './client.ts';
import { Cluster } from './cluster.ts';
import { FAULTS, type Fault, mountSmallDisk, SESSION_TIMEOUT_MS } from './faults.ts';
import { quantile } from './gap-meter.ts';
import { Load } from './load.ts';
import { sufferOutage } from './outage.ts';
import { checkTheChecker } from './self-check.ts';

/** Quiet before each fault: what the last one left must not count for the next. */
const QUIET_MS = 500;
const AVAILABILITY_REPEATS = 3;

const BROKER_SETTINGS = {
  'broker.session.timeout.ms': String(SESSION_TIMEOUT_MS),
  'ottla.stop.permit.ms': '15000',
};

interface Outcome {
  readonly fault: Fault;
  readonly gapsMs: readonly number[];
  readonly acknowledged: number;
  readonly errors: ReadonlyMap<string, number>;
}

const store = argument('--store') ?? 'files';
const names = argument('--fault')?.split(',') ?? FAULTS.map(({ name }) => name);
const rounds = argument('--rounds');
const outageMinutes = argument('--outage');
const chosen = names.map((name) => {
  const fault = FAULTS.find((each) => each.name === name);
  if (fault === undefined) throw new Error(`no fault is called ${name}; there are ${FAULTS.map((each) => each.name)}`);
  return fault;
});

const tally = new Tally();
const outcomes: Outcome[] = [];
const { requestTimeoutMs, metadataTimeoutMs, retryBackoffMs } = CLIENT_SETTINGS;
process.stdout.write(
  `store ${store}; session ${SESSION_TIMEOUT_MS} ms; ${PARTITIONS} partitions on 3 brokers, min.insync.replicas 2\n` +
    `clients: idempotent, acks=all, one batch in flight per partition, request timeout ${requestTimeoutMs} ms, ` +
    `metadata timeout ${metadataTimeoutMs} ms, backoff ${retryBackoffMs} ms\n`,
);

if (process.argv.includes('--availability')) {
  await compareAvailability(tally, rounds === undefined ? AVAILABILITY_REPEATS : Number(rounds));
} else if (store === 'redis' && !(await ensureCommand('redis-server', 'redis-server'))) {
  tally.skip('chaos on redis', 'redis-server is not installed, and cannot be installed here');
} else if (outageMinutes !== undefined) {
  await sufferOutage(tally, Number(outageMinutes), store);
} else {
  await tally.check('the checker sees a lost record and a flipped bit', checkTheChecker);
  for (const fault of chosen) {
    if (fault.needsRoot === true && process.getuid?.() !== 0) {
      tally.skip(fault.title, 'only root may mount a small disk');
      continue;
    }
    // The load of a fault that failed goes on, and would disturb the next.
    if (tally.failed > 0) break;
    await tally.check(fault.title, () => suffer(fault, rounds === undefined ? fault.rounds : Number(rounds)));
  }
  process.stdout.write(`\n${report(outcomes)}\n`);
}
tally.finish();
// The client's sockets to brokers that were killed are gone, but timers must not keep the process.
process.exit();

function argument(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}

async function suffer(fault: Fault, count: number): Promise<void> {
  const redis = store === 'redis' ? await RedisServer.start() : undefined;
  const disks = fault.hasSmallDisk === true ? mkdtempSync(join(tmpdir(), 'ottla-chaos-disk-')) : undefined;
  const unmounts: (() => Promise<void>)[] = [];
  if (disks !== undefined) for (const id of [1, 2, 3]) unmounts.push(await mountSmallDisk(join(disks, `${id}`)));
  let cluster: Cluster | undefined;
  let isWell = false;
  try {
    cluster = await Cluster.start({
      isProxied: fault.isProxied === true,
      overrides: BROKER_SETTINGS,
      redisUrl: redis?.url,
      ...(disks === undefined ? {} : { dataFolder: (id: number) => join(disks, `${id}`) }),
    });
    await endure(fault, count, cluster, redis);
    isWell = true;
  } catch (error) {
    if (cluster !== undefined) process.stdout.write(`${cluster.output}\nthe folder is kept: ${cluster.rootFolder}\n`);
    throw error;
  } finally {
    await cluster?.close();
    await redis?.close();
    if (isWell) {
      for (const unmount of unmounts) await unmount();
      if (disks !== undefined) rmSync(disks, { recursive: true, force: true });
      cluster?.removeFolder();
    }
  }
}

async function endure(fault: Fault, count: number, cluster: Cluster, redis: RedisServer | undefined): Promise<void> {
  const load = new Load({ topic: TOPIC, partitions: PARTITIONS, addresses: cluster.group.addresses });
  const gapsMs: number[] = [];
  for (let round = 0; round < count && load.violations.length === 0; round++) {
    await cluster.group.settled();
    await cluster.group.prefer({
      last: fault.sparesController === true ? await cluster.group.controllerId() : undefined,
    });
    await pause(QUIET_MS);
    load.meter.reset();
    await fault.inflict({ cluster, redis });
    await cluster.group.settled();
    gapsMs.push(load.meter.worst(runtime.clock.monotonicMs()));
  }
  await load.stop();
  outcomes.push({ fault, gapsMs, acknowledged: load.total, errors: load.producer.errors });
  const wrong = [...load.violations, ...(await checkEverything(cluster, load.acknowledged))];
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
  const { goal } = fault;
  if (goal === undefined) return;
  const [medianMs, worstMs] = [quantile(gapsMs, 0.5), quantile(gapsMs, 0.99)].map(Math.round) as [number, number];
  if (medianMs > goal.medianMs || worstMs > goal.worstMs) {
    process.stdout.write(
      `MISSED  ${fault.name}: ${medianMs} ms median, ${worstMs} ms p99; ` +
        `the goal is ${goal.medianMs} and ${goal.worstMs}; in order: ${gapsMs.map(Math.round).join(' ')}\n`,
    );
  }
}

function report(all: readonly Outcome[]): string {
  const rows = all.map(({ fault, gapsMs, acknowledged, errors }) => {
    const met = [...errors].map(([problem, times]) => `${problem} ${times}`).join(', ');
    return [
      fault.name,
      gapsMs.length,
      Math.round(quantile(gapsMs, 0.5)),
      Math.round(quantile(gapsMs, 0.99)),
      acknowledged,
      met === '' ? '-' : met,
    ].join(' | ');
  });
  return [
    'fault | rounds | longest pause of a partition, median ms | p99 ms | acknowledged | what producers met and retried',
    '---|---|---|---|---|---',
    ...rows,
  ].join('\n');
}

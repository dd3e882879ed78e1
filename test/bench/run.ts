/**
 * Speed beside a real Kafka, in one run on one machine: `npm run bench [-- scenario…] [--peer none] [--short]
 * [--brokers 3]`.
 *
 * Cases are interleaved and repeated; medians and spread count, and the ratio to the peer more than any absolute
 * figure. Results go to test/bench/results/ as JSON and a table.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { KafkaConnection } from '../../broker/protocol/connection/mod.ts';
import { chosenCrc32c } from '../../broker/protocol/mod.ts';
import { silentLogger } from '../../broker/std/mod.ts';
import { nodeRuntime } from '../../broker/std/node-runtime.ts';
import { BrokerCluster } from '../support/broker-cluster.ts';
import type { BrokerProcess } from '../support/broker-process.ts';
import { bundleBroker } from '../support/bundled-broker.ts';
import * as calls from '../support/calls.ts';
import { installPackage, mustRun } from '../support/command.ts';
import { startKafka } from '../support/kafka-process.ts';
import { cpuSeconds } from '../support/process-cost.ts';
import { ensure, Tally } from '../support/tally.ts';
import { buildLoad, clusterScenarios, type Peer, type Scenario, singleScenarios } from './scenarios.ts';

const resultsFolder = fileURLToPath(new URL('./results/', import.meta.url));
const runtime = nodeRuntime(silentLogger);
/** Both brokers remove the files of a deleted topic after this time. */
const DELETE_DELAY_MS = 500;
const WARM_PAGES_MIB = 3000;

function showRatio(ratio: number | undefined): string {
  return ratio === undefined ? '-' : `${ratio.toFixed(2)}x`;
}

/** Seconds of processor time that the brokers of a peer have used. */
function cpuOf(peer: Peer): number {
  return peer.pids().reduce((sum, pid) => sum + cpuSeconds(pid), 0);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

/**
 * Writes a file larger than any case needs and removes it: pages that the host must first hand out cost several times
 * more than those the machine already has, and the case that comes upon them first would pay for both brokers.
 */
async function warmPages(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-bench-'));
  try {
    await mustRun('dd', [
      'if=/dev/zero',
      `of=${join(folder, 'pages')}`,
      'bs=1M',
      `count=${WARM_PAGES_MIB}`,
      'status=none',
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * What a case wrote would slow the next one down while the disk works on it: delete it, and let the disk come to rest.
 */
async function cleanUp(peer: Peer, topic: string): Promise<void> {
  const connection = await KafkaConnection.open({ runtime, host: '127.0.0.1', port: peer.port, clientId: 'bench' });
  await calls.deleteTopic(connection, topic);
  connection.close();
  await new Promise((resolve) => setTimeout(resolve, 2 * DELETE_DELAY_MS));
  await mustRun('sync', []);
}

async function createTopic(peer: Peer, topic: string): Promise<void> {
  const connection = await KafkaConnection.open({ runtime, host: '127.0.0.1', port: peer.port, clientId: 'bench' });
  await calls.createTopic(connection, topic, brokers === 1 ? 4 : 6, {}, Math.min(3, brokers));
  connection.close();
}

const { values: args, positionals: chosen } = parseArgs({
  options: { short: { type: 'boolean' }, peer: { type: 'string' }, brokers: { type: 'string' } },
  allowPositionals: true,
});
const isShort = args.short === true;
const hasPeer = args.peer !== 'none';
const brokers = Number(args.brokers ?? 1);
const scenarios = brokers === 1 ? singleScenarios : clusterScenarios;
const wanted = scenarios.filter(({ name }) => chosen.length === 0 || chosen.includes(name));
const repeats = isShort ? 1 : 3;
const scale = isShort ? 0.1 : 1;
const tally = new Tally();

async function main(): Promise<void> {
  if (!(await buildLoad())) {
    tally.skip('bench', 'the load generator cannot be built here');
    return;
  }
  // The fastest checksum is a library of the system, which the broker takes when it is there.
  if (chosenCrc32c.name !== 'isa-l') await installPackage('libisal2');
  const program = await bundleBroker('bench');
  const startedMs = performance.now();
  const cluster = await BrokerCluster.start({
    size: brokers,
    program,
    overrides: {
      'log.segment.delete.delay.ms': `${DELETE_DELAY_MS}`,
      ...(brokers === 1 ? {} : { 'min.insync.replicas': '2' }),
    },
  });
  const ottlaStartMs = performance.now() - startedMs;
  const [broker] = cluster.brokers as [BrokerProcess];
  const crc32c = /"crc32c":"([a-z-]+)"/.exec(await broker.logged('broker is serving'))?.[1] ?? 'unknown';
  process.stdout.write(`node ${process.version}, CRC-32C by ${crc32c}\n`);
  const ottla: Peer = {
    name: 'ottla',
    bootstrap: cluster.bootstrap,
    port: broker.port,
    pids: () => cluster.brokers.map(({ pid }) => pid ?? 0),
  };
  const kafkaSettings = [`log.segment.delete.delay.ms=${DELETE_DELAY_MS}`];
  if (brokers > 1) kafkaSettings.push('min.insync.replicas=2');
  const kafka = hasPeer ? await startKafka(kafkaSettings, { brokers }) : undefined;
  if (hasPeer && kafka === undefined) tally.skip('bench beside Kafka', 'Kafka cannot be started here');
  const peers: Peer[] = kafka === undefined ? [ottla] : [ottla, { name: 'kafka', ...kafka }];
  const rows: Record<string, unknown>[] = [];
  const table: string[] = [
    '| scenario | unit | Ottla | Kafka | ratio | goal | CPU of the broker |',
    '|---|---|---|---|---|---|---|',
  ];
  const addRow = (
    s: Pick<Scenario, 'name' | 'title' | 'unit' | 'goal' | 'lessIsBetter'>,
    samples: Map<string, number[]>,
    cpu?: Map<string, number[]>,
  ) => {
    const ours = samples.get('ottla') as number[];
    const theirs = samples.get('kafka');
    const ratio = theirs === undefined ? undefined : median(ours) / median(theirs);
    const cpuRatio =
      cpu === undefined || theirs === undefined
        ? undefined
        : median(cpu.get('ottla') ?? []) / median(cpu.get('kafka') ?? []);
    const sign = s.lessIsBetter === true ? '<=' : '>=';
    const show = (value: number | undefined): string =>
      value === undefined ? '-' : value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2);
    table.push(
      `| ${s.title} | ${s.unit} | ${show(median(ours))} | ${show(theirs && median(theirs))} | ` +
        `${showRatio(ratio)} | ${sign} ${s.goal}x | ${s.name.endsWith('memory') ? '-' : showRatio(cpuRatio)} |`,
    );
    rows.push({
      cpuSeconds: cpu === undefined ? undefined : Object.fromEntries(cpu),
      name: s.name,
      unit: s.unit,
      ottla: ours,
      kafka: theirs,
      ratio,
      goal: s.goal,
    });
    process.stdout.write(`${table.at(-1)}\n`);
  };
  try {
    for (const scenario of wanted) {
      await tally.check(`bench: ${scenario.title}`, async () => {
        const samples = new Map<string, number[]>(peers.map(({ name }) => [name, []]));
        const cpu = new Map<string, number[]>(peers.map(({ name }) => [name, []]));
        for (let repeat = 0; repeat < repeats; repeat++) {
          for (const peer of peers) {
            const topic = `bench-${scenario.name}-${repeat}`;
            await createTopic(peer, topic);
            // The disk would still be at work on those pages while latency is measured.
            if (!isShort && scenario.lessIsBetter !== true) await warmPages();
            const cpuBefore = cpuOf(peer);
            const value = await scenario.measure(peer, topic, scale);
            cpu.get(peer.name)?.push(cpuOf(peer) - cpuBefore);
            ensure(Number.isFinite(value) && value > 0, `${peer.name} measured ${value}`);
            samples.get(peer.name)?.push(value);
            await cleanUp(peer, topic);
          }
        }
        addRow(scenario, samples, cpu);
      });
    }
    if (chosen.length === 0) {
      const samples = new Map([['ottla', [ottlaStartMs]]]);
      if (kafka !== undefined) samples.set('kafka', [kafka.startMs]);
      addRow(
        {
          name: 'start',
          title: brokers === 1 ? 'start to listening' : 'start of three brokers to serving',
          unit: 'ms',
          goal: 0.2,
          lessIsBetter: true,
        },
        samples,
      );
    }
  } finally {
    await kafka?.stop();
    await cluster.close();
  }
  if (!isShort && chosen.length === 0) {
    const name = brokers === 1 ? 'latest' : `latest-${brokers}-brokers`;
    mkdirSync(resultsFolder, { recursive: true });
    writeFileSync(
      join(resultsFolder, `${name}.json`),
      `${JSON.stringify({ node: process.version, crc32c, rows }, null, 2)}\n`,
    );
    writeFileSync(join(resultsFolder, `${name}.md`), `${table.join('\n')}\n`);
  }
}

await main();
tally.finish();

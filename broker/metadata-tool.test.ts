import { expect, test } from 'vitest';
import * as calls from '../test/support/calls.ts';
import { SimBroker } from '../test/support/sim-broker.ts';
import { BrokerConfig } from './config/mod.ts';
import { describeRestore, dumpMetadata } from './metadata-tool.ts';
import { silentLogger } from './std/mod.ts';
import { SeededRandom } from './std/sim/prng.ts';

/** A broker that made a topic and was killed; the tool works on what it left on its disk. */
async function left() {
  const sim = new SimBroker(4);
  await sim.start();
  const connection = await sim.connect();
  await sim.until(calls.createTopic(connection, 'kept', 2));
  sim.kill();
  const lines: string[] = [];
  const { clock, disk } = sim;
  const runtime = {
    clock,
    disk,
    random: new SeededRandom(1),
    log: silentLogger,
    network: sim.network.endpoint('tool'),
    executor: { run: () => Promise.reject(new Error('none')), close: async () => {} },
  };
  const config = new BrokerConfig(new Map([['log.dirs', '/data']]));
  return { sim, lines, tool: { runtime, config, print: (line: string) => void lines.push(line) } };
}

test('a dump shows the records of the store, and those of the own copy', async () => {
  const { sim, lines, tool } = await left();
  await sim.until(dumpMetadata(tool));
  expect(lines.some((line) => /Topic .*"name":"kept"/.test(line))).toBe(true);
  expect(lines.at(-1)).toMatch(/^The log ends at offset \d+\.$/);
  lines.splice(0);
  await sim.until(dumpMetadata({ ...tool, copy: true, json: true }));
  const kinds = lines.slice(0, -1).map((line) => (JSON.parse(line) as { kind: string }).kind);
  expect(kinds).toContain('RegisterBroker');
  expect(kinds.filter((kind) => kind === 'Partition').length).toBe(2);
});

test('a store that lost everything is restored from the copy, and the broker starts on it', async () => {
  const { sim, lines, tool } = await left();
  sim.disk.removeTree('/data/__cluster_metadata-20000');
  await sim.until(describeRestore({ ...tool, apply: false }));
  expect(lines[0]).toMatch(/^The store ends at offset 0; this broker knows the log up to \d+\.$/);
  await sim.until(describeRestore({ ...tool, apply: true }));
  expect(lines.at(-1)).toMatch(/^Restored/);
  await sim.start();
  expect(sim.running?.broker.image.topicsByName.has('kept')).toBe(true);
});

test('a folder without a copy cannot restore anything', async () => {
  const { tool } = await left();
  const config = new BrokerConfig(new Map([['log.dirs', '/elsewhere']]));
  await expect(describeRestore({ ...tool, config, apply: true })).rejects.toMatchObject({ code: 'config.invalid' });
});

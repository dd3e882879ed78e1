/**
 * Whole clusters under simulation: `npm run sim -- --seeds N [--seed S] [--steps K] [--mutations [--mutation NAME,…]]`.
 *
 * Every seed is a history of its own and replays exactly; a violation prints what happened before it and how to run it
 * again. Two processes share the seeds.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MUTATIONS, type Mutation, mutate } from './mutations.ts';
import type { SeedResult } from './run-seed.ts';

const STEPS = 40;
const WORKERS = 2;
const SHOWN_MAX = 3;

/** What a run of 200 seeds must at least have gone through, or it has proved little. */
const FLOORS_PER_200: Readonly<Record<string, number>> = {
  elections: 1000,
  'unclean restarts': 500,
  'appends with unknown outcome': 200,
  claims: 200,
  'readers behind a trim': 100,
  'stale controllers resumed': 100,
  'changed minimums': 200,
  'power losses': 200,
  'broken connections': 200,
};

interface Message {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly counters: readonly (readonly [string, number])[];
  readonly trace: readonly string[];
}

const { values: args } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    steps: { type: 'string', default: String(STEPS) },
    worker: { type: 'string' },
    stride: { type: 'string', default: String(WORKERS) },
    trace: { type: 'boolean', default: false },
    mutations: { type: 'boolean', default: false },
    mutation: { type: 'string' },
  },
});
const first = Number(args.seed);
const count = Number(args.seeds);
const steps = Number(args.steps);

// Before anything of the broker is loaded.
const mutations = args.mutation?.split(',').map(mutationOf);
if (!args.mutations) for (const mutation of mutations ?? []) mutate(mutation);
const { runSeed } = await import('./run-seed.ts');

if (args.mutations) {
  await runMutations();
} else if (args.worker !== undefined) {
  for (let seed = first + Number(args.worker); seed < first + count; seed += Number(args.stride)) {
    const { violations, counters, trace } = await runSeed(seed, steps);
    process.send?.({ seed, violations, counters: [...counters], trace } satisfies Message);
    if (args.mutation !== undefined && violations.length > 0) break;
  }
  process.disconnect();
} else if (count === 1) {
  report([await runSeed(first, steps)]);
} else {
  report(await runAll());
}

async function runAll(): Promise<SeedResult[]> {
  const results: SeedResult[] = [];
  const workers = Array.from({ length: WORKERS }, (_, worker) => {
    const child = fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), '--worker', String(worker)]);
    child.on('message', (message: Message) => {
      results.push({ ...message, counters: new Map(message.counters) });
      if (message.violations.length > 0) process.stdout.write(`seed ${message.seed}: ${message.violations[0]}\n`);
    });
    return new Promise<void>((resolve, reject) => {
      child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`))));
    });
  });
  await Promise.all(workers);
  return results;
}

function mutationOf(name: string): Mutation {
  const found = MUTATIONS.find((mutation) => mutation.name === name);
  if (found === undefined) throw new Error(`there is no mutation ${name}; there are ${MUTATIONS.map((m) => m.name)}`);
  return found;
}

/** With each guard switched off alone, the seeds must find a violation. Two run side by side, each until its first. */
async function runMutations(): Promise<void> {
  const waiting = [...(mutations ?? MUTATIONS)];
  const total = waiting.length;
  let found = 0;
  const work = async (): Promise<void> => {
    for (let mutation = waiting.shift(); mutation !== undefined; mutation = waiting.shift()) {
      const { name, guard } = mutation;
      const started = performance.now();
      const violation = await firstViolation(name);
      if (violation !== undefined && violation.seed >= 0) await mustPass(violation.seed);
      const seconds = ((performance.now() - started) / 1000).toFixed(0);
      if (violation !== undefined) found += 1;
      const outcome = violation === undefined ? 'FAILED' : 'ok    ';
      process.stdout.write(`${outcome} without: ${guard} (${name}, ${seconds} s)\n`);
      if (violation !== undefined) {
        const [text] = violation.violations;
        process.stdout.write(`         seed ${violation.seed}: ${text?.split('\n')[0]?.slice(0, 200)}\n`);
      }
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  process.stdout.write(`\n${found} passed, ${total - found} failed, 0 skipped\n`);
  process.exitCode = found === total ? 0 : 1;
}

/** What is found with the guard in place as well says nothing of the guard. */
async function mustPass(seed: number): Promise<void> {
  const { violations } = await runSeed(seed, steps);
  if (violations.length > 0) throw new Error(`seed ${seed} fails without any mutation: ${violations[0]}`);
}

function firstViolation(mutation: string): Promise<Message | undefined> {
  const options = ['--seeds', String(count), '--seed', String(first), '--steps', String(steps)];
  const child = fork(
    fileURLToPath(import.meta.url),
    [...options, '--mutation', mutation, '--worker', '0', '--stride', '1'],
    { silent: true },
  );
  return new Promise((resolve, reject) => {
    let violated: Message | undefined;
    child.on('message', (message: Message) => {
      if (message.violations.length > 0) violated ??= message;
    });
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk;
    });
    child.on('exit', (code) => {
      if (code === 0) resolve(violated);
      // A broker that fails an assertion of its own ends the run, and that is a finding, too.
      else if (/AssertionFailure/.test(errors)) {
        resolve({ seed: -1, violations: [/AssertionFailure.*/.exec(errors)?.[0] ?? ''], counters: [], trace: [] });
      } else reject(new Error(`mutation ${mutation}: the run ended with ${code}: ${errors.slice(-2000)}`));
    });
  });
}

function report(results: readonly SeedResult[]): void {
  const totals = new Map<string, number>();
  for (const { counters } of results) {
    for (const [name, value] of counters) totals.set(name, (totals.get(name) ?? 0) + value);
  }
  const failed = results.filter(({ violations }) => violations.length > 0);
  for (const { seed, violations, trace } of failed.slice(0, SHOWN_MAX)) {
    if (count === 1 || args.trace) process.stdout.write(`${trace.join('\n')}\n`);
    process.stdout.write(`\nseed ${seed} (replay: npm run sim -- --seeds 1 --seed ${seed} --steps ${steps})\n`);
    for (const violation of violations) process.stdout.write(`  ${violation}\n`);
  }
  process.stdout.write('\n');
  for (const [name, value] of [...totals].sort(([a], [b]) => (a < b ? -1 : 1))) {
    process.stdout.write(`${String(value).padStart(10)} ${name}\n`);
  }
  const empty =
    count >= 200
      ? Object.entries(FLOORS_PER_200).filter(([name, floor]) => (totals.get(name) ?? 0) < (floor * count) / 200)
      : [];
  for (const [name, floor] of empty) process.stdout.write(`FAILED: fewer than ${(floor * count) / 200} ${name}\n`);
  const passed = results.length - failed.length;
  process.stdout.write(
    `\n${passed} passed, ${failed.length + empty.length} failed, ${count - results.length} skipped\n`,
  );
  process.exitCode = failed.length + empty.length > 0 || results.length < count ? 1 : 0;
}

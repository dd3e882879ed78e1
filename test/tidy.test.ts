/**
 * The house rules, read off the sources. A failure says what to do instead.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Which rooms a room may import; `std` may be imported by all. A room's sub-folder belongs to the room. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  std: [],
  protocol: [],
  log: ['protocol'],
  coordination: ['protocol'],
  metadata: ['coordination', 'protocol'],
  config: ['log', 'protocol', 'metadata', 'controller'],
  controller: ['coordination', 'metadata', 'protocol'],
  replication: ['log', 'metadata', 'protocol'],
  'coordinator-runtime': ['protocol', 'replication'],
  groups: ['coordinator-runtime', 'protocol'],
  transactions: ['coordinator-runtime', 'protocol'],
  membership: ['metadata', 'protocol', 'security'],
  network: ['protocol'],
  security: ['protocol'],
  quotas: ['protocol'],
  telemetry: ['protocol'],
  handlers: [
    'config',
    'controller',
    'groups',
    'log',
    'membership',
    'metadata',
    'network',
    'protocol',
    'quotas',
    'replication',
    'security',
    'telemetry',
    'transactions',
  ],
};

/** The composition root may import everything. */
const COMPOSITION = /^broker\/[a-z-]+\.ts$/;

const FORBIDDEN: readonly { readonly pattern: RegExp; readonly except: RegExp; readonly instead: string }[] = [
  { pattern: /\bDate\.now\(/, except: /^(broker\/std|hack|test)\//, instead: 'take a Clock (broker/std/runtime.ts)' },
  { pattern: /\bMath\.random\(/, except: /^$/, instead: 'take a Random (broker/std/runtime.ts)' },
  {
    pattern: /\bset(Timeout|Interval|Immediate)\(/,
    except: /^(broker\/(std\/|stop-signals\.ts)|hack\/|test\/)/,
    instead: 'use clock.after',
  },
  {
    pattern: /\bprocess\.exit\(/,
    except: /^(hack\/|test\/|broker\/stop-signals\.ts)/,
    instead: 'drain and re-raise the signal, in main',
  },
  { pattern: /\bconsole\./, except: /^(hack|test)\/|\.test\.ts$/, instead: 'use the logger' },
  {
    pattern: /\b(FIXME|XXX|TODO)\b/,
    except: /^test\/tidy\.test\.ts$/,
    instead: 'do it, or say what is missing and why',
  },
  {
    pattern: /from 'node:(fs|net|http|child_process|worker_threads)/,
    except: /^(broker\/(std\/|run-broker\.ts)|hack\/|test\/)|\.test\.ts$/,
    instead: 'take Disk, Network or Executor through the Runtime',
  },
];

function sources(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder)).flatMap((name) => {
    const path = `${folder}/${name}`;
    if (name === 'node_modules' || path === 'broker/protocol/generated') return [];
    if (statSync(join(root, path)).isDirectory()) return sources(path);
    return /\.(ts|mjs)$/.test(name) ? [path] : [];
  });
}

const files = ['broker', 'client', 'operator', 'hack', 'test'].flatMap(sources);
const textOf = new Map(files.map((path) => [path, readFileSync(join(root, path), 'utf8')]));

function roomOf(path: string): string | undefined {
  return /^broker\/([a-z-]+)\//.exec(path)?.[1];
}

function importsOf(path: string): string[] {
  const text = textOf.get(path) as string;
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
    relative(root, resolve(root, dirname(path), match[1] as string)),
  );
}

test('no line is longer than 120 columns', () => {
  const long = files
    .filter((path) => !path.startsWith('broker/config/definitions/'))
    .flatMap((path) =>
      (textOf.get(path) as string)
        .split('\n')
        .flatMap((line, index) => (line.length > 120 ? [`${path}:${index + 1}`] : [])),
    );
  expect(long).toEqual([]);
});

test('the world comes in through the runtime seam', () => {
  const found = files.flatMap((path) =>
    FORBIDDEN.filter(({ except }) => !except.test(path)).flatMap(({ pattern, instead }) =>
      (textOf.get(path) as string)
        .split('\n')
        .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${instead}`] : [])),
    ),
  );
  expect(found).toEqual([]);
});

test('rooms import only from the doors of rooms that they may know', () => {
  const wrong: string[] = [];
  for (const path of files) {
    const room = roomOf(path);
    if (room === undefined || path.endsWith('.test.ts')) continue;
    for (const target of importsOf(path)) {
      const targetRoom = roomOf(target);
      if (targetRoom === undefined || targetRoom === room) continue;
      const allowed = targetRoom === 'std' || (MAY_IMPORT[room] ?? []).includes(targetRoom);
      if (!allowed) wrong.push(`${path} imports ${target}: ${room} may not know ${targetRoom}`);
      const isDoor = /\/mod\.ts$/.test(target) || target.startsWith('broker/protocol/generated/');
      if (!isDoor && !(targetRoom === 'std' && target.startsWith('broker/std/'))) {
        wrong.push(`${path} imports ${target}: go through the room's mod.ts`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

test('every room of the broker has a door that says its job', () => {
  const rooms = new Set(files.flatMap((path) => roomOf(path) ?? []));
  const missing = [...rooms].filter((room) => {
    if (room === 'handlers') return false;
    const door = textOf.get(`broker/${room}/mod.ts`);
    return door === undefined || !door.startsWith('/**');
  });
  expect(missing).toEqual([]);
  expect(rooms.size).toBeGreaterThan(5);
});

test('every handler starts with a header that names its API, key and versions', () => {
  const handlers = files.filter((path) => /^broker\/handlers\/\d+-/.test(path) && !path.endsWith('.test.ts'));
  const missing = handlers.filter((path) => {
    const key = Number.parseInt(/\/(\d+)-/.exec(path)?.[1] as string, 10);
    return !new RegExp(`^/\\*\\*\\n \\* \\w+ \\(key ${key}\\), versions? [\\d-]+`).test(textOf.get(path) as string);
  });
  expect(missing).toEqual([]);
  expect(handlers.length).toBeGreaterThan(3);
});

test('every source file starts by saying what it is for', () => {
  const silent = files.filter((path) => {
    if (path.endsWith('.test.ts') || /\.config\.ts$/.test(path)) return false;
    return !/^(#!.*\n)?(\/\*\*|\/\/)/.test(textOf.get(path) as string);
  });
  expect(silent).toEqual([]);
});

test('the composition root is the only code above the rooms', () => {
  const above = files.filter((path) => /^broker\/[^/]+$/.test(path) && !path.endsWith('.test.ts'));
  expect(above.filter((path) => !COMPOSITION.test(path))).toEqual([]);
});

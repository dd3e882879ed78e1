/** What is written beside the code for clusters to apply: the definitions of our kinds, and the role of a broker. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { FakeKubernetes, type SeenRequest } from '../../../test/support/fake-kubernetes.ts';
import { nodeHttpClient } from '../../std/node-http-client.ts';
import { SeededRandom } from '../../std/sim/prng.ts';
import { SimClock } from '../../std/sim/sim-clock.ts';
import { BATCH_BYTES_MAX } from '../store.ts';
import { KubernetesApi } from './api.ts';
import { KubernetesStore } from './kubernetes-store.ts';

const read = (path: string) => parse(readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8'));
const definitions = ['slots', 'snapshots', 'manifests'].map((name) => read(`crds/metadata-${name}.yaml`));
const role = read('hack/manifests/coordination-role.yaml');

/** Everything a broker ever does to a store, until old snapshots go; returns the objects and the requests. */
async function useEverything() {
  const server = await FakeKubernetes.start();
  const clock = new SimClock();
  const store = new KubernetesStore({
    api: new KubernetesApi({ http: nodeHttpClient({ url: server.url }), clock, token: async () => undefined }),
    clock,
    random: new SeededRandom(1),
    namespace: 'test',
    lease: 'ottla',
    summarize: () => ({ controllerEpoch: 1, summary: '1 Topic' }),
  });
  const stop = store.watch(() => {});
  await store.leases.acquire('a', 6000);
  await store.leases.acquire('a', 6000);
  for (let offset = 0; offset <= 256; offset++) {
    if (offset === 256) await store.writeSnapshot({ controllerEpoch: 1, offset, chunks: [Buffer.from('s')] });
    await store.append(offset, Buffer.from('x'));
  }
  for (const offset of [257, 258])
    await store.writeSnapshot({ controllerEpoch: 1, offset, chunks: [Buffer.from('s')] });
  await store.writeSnapshot({ controllerEpoch: 1, offset: 258, chunks: [] }).catch(() => {});
  await store.readSnapshot();
  await store.read(250, 3);
  await store.end();
  await store.leases.release('a');
  for (let tries = 0; tries < 100 && server.watchCount < 2; tries++) await clock.settle();
  stop();
  await store.close();
  const objects = [...server.copy().values()] as unknown as { kind: string; spec: Record<string, unknown> }[];
  const { requests } = server;
  await server.close();
  return { objects, requests };
}

/** A request as RBAC sees it. A field selector on the name names the object of a list or a watch. */
function permissionOf({ method, path, query }: SeenRequest): string {
  const [, , group, , , , resource, name] = path.split('/');
  const selected = /^metadata\.name=(.*)$/.exec(query.get('fieldSelector') ?? '')?.[1];
  const isWatch = query.get('watch') === '1';
  const verb = { GET: isWatch ? 'watch' : name === undefined ? 'list' : 'get', POST: 'create', PUT: 'update' }[method];
  return `${verb ?? 'delete'} ${group}/${resource} ${method === 'POST' ? '' : (name ?? selected ?? '')}`;
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

test('the role allows what the store does, and nothing that it never does', async () => {
  const { requests } = await useEverything();
  const rules = role.rules as Rule[];
  const used = new Set<string>();
  const denied = new Set<string>();
  for (const request of requests) {
    const permission = permissionOf(request);
    const [verb, resource, name] = permission.split(' ') as [string, string, string];
    const rule = rules.find(
      ({ apiGroups, resources, verbs, resourceNames }) =>
        `${apiGroups[0]}/${resources[0]}` === resource &&
        verbs.includes(verb) &&
        (resourceNames?.includes(name) ?? true),
    );
    if (rule === undefined) denied.add(permission);
    else used.add(`${verb} ${resource}`);
  }
  expect([...denied]).toEqual([]);
  const allowed = rules.flatMap(({ apiGroups, resources, verbs }) =>
    verbs.map((verb) => `${verb} ${apiGroups[0]}/${resources[0]}`),
  );
  expect(allowed.filter((permission) => !used.has(permission))).toEqual([]);
});

test('each object that the store writes is of a kind that is defined, with the fields of its definition', async () => {
  const { objects } = await useEverything();
  const own = objects.filter(({ kind }) => kind !== 'Lease');
  expect(new Set(own.map(({ kind }) => kind)).size).toBe(3);
  for (const { kind, spec } of own) {
    const definition = definitions.find(({ spec: { names } }) => names.kind === kind);
    const schema = definition.spec.versions[0].schema.openAPIV3Schema.properties.spec;
    expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(Object.keys(spec)));
    expect(Object.keys(spec)).toEqual(expect.arrayContaining(schema.required));
  }
});

test('a payload of the size that a store takes fits into its field, and no more', () => {
  const encoded = Buffer.alloc(BATCH_BYTES_MAX).toString('base64').length;
  for (const { spec } of definitions.slice(0, 2)) {
    const { payload } = spec.versions[0].schema.openAPIV3Schema.properties.spec.properties;
    expect(payload.maxLength).toBe(encoded);
  }
});

test('the definitions stay when the chart goes', () => {
  for (const { metadata } of definitions) {
    expect(metadata.annotations['helm.sh/resource-policy']).toBe('keep');
  }
});

test('every field of a definition has a value', () => {
  // A comma in an unquoted text of YAML makes a field without one, which kubectl refuses.
  const empty: string[] = [];
  const look = (value: unknown, path: string): void => {
    if (value === null) empty.push(path);
    else if (typeof value === 'object') for (const [key, each] of Object.entries(value)) look(each, `${path}.${key}`);
  };
  for (const [index, definition] of definitions.entries()) look(definition, `${index}`);
  expect(empty).toEqual([]);
});

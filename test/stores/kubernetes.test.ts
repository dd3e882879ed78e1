/**
 * The contract of the coordination store on a real Kubernetes API: the one that KUBECONFIG names. Our definitions and
 * the role are applied first, and the store acts as a service account with that role and nothing more.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { KubernetesApi } from '../../broker/coordination/kubernetes/api.ts';
import { type KubeAccess, loadKubeAccess } from '../../broker/coordination/kubernetes/kube-access.ts';
import { KubernetesStore } from '../../broker/coordination/kubernetes/kubernetes-store.ts';
import { type HttpClient, silentLogger } from '../../broker/std/mod.ts';
import { nodeHttpClient } from '../../broker/std/node-http-client.ts';
import { nodeRuntime } from '../../broker/std/node-runtime.ts';
import { skewedClock } from '../../broker/std/sim/skewed-clock.ts';
import { FaultyHttp } from '../support/faulty-http.ts';
import { pause, until } from '../support/real-world.ts';
import { describeStore } from '../support/store-contract.ts';
import { checkCluster } from './cluster.ts';
import { measureStore } from './measure.ts';

const { clock, random, disk } = nodeRuntime(silentLogger);
const namespace = `ottla-stores-${randomBytes(4).toString('hex')}`;
const LOG = 'ottla';
const ACCOUNT = 'broker';

let admin: HttpClient;
let adminToken: string | undefined;
let access: KubeAccess;
let brokerToken = '';

async function call(method: 'GET' | 'POST' | 'DELETE' | 'PUT', path: string, body?: object) {
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json',
    ...(adminToken === undefined ? {} : { authorization: `Bearer ${adminToken}` }),
  };
  const payload = body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) };
  const response = await admin.request({ method, path, headers, timeoutMs: 10_000, ...payload });
  return { status: response.status, body: JSON.parse(response.body.toString() || '{}') };
}

/** Creates the object; one that is there from an earlier run is left as it is. */
async function ensure(collection: string, object: object): Promise<void> {
  const { status, body } = await call('POST', collection, object);
  if (status !== 201 && status !== 409) throw new Error(`${collection}: ${status} ${body.message}`);
}

const documentsIn = (file: string): object[] =>
  parseAllDocuments(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')).map((document) => document.toJS());

beforeAll(async () => {
  access = await loadKubeAccess({ disk, clock, environment: process.env });
  admin = nodeHttpClient(access);
  adminToken = await access.token();
  for (const file of readdirSync(new URL('../../crds', import.meta.url))) {
    if (!/^metadata-.*\.yaml$/.test(file)) continue;
    for (const crd of documentsIn(`crds/${file}`)) {
      await ensure('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd);
    }
  }
  await ensure('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const own = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  await ensure(own, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: ACCOUNT } });
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  for (const role of documentsIn('hack/manifests/coordination-role.yaml')) await ensure(`${rbac}/roles`, role);
  await ensure(`${rbac}/rolebindings`, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'ottla-coordination' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'ottla-coordination' },
    subjects: [{ kind: 'ServiceAccount', name: ACCOUNT, namespace }],
  });
  const { body } = await call('POST', `${own}/${ACCOUNT}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 3600 },
  });
  brokerToken = body.status.token;
  // Definitions are served a moment after they were accepted, and roles are known a moment after that.
  const store = openStore(new FaultyHttp(pause));
  for (let tries = 0; tries < 50; tries++) {
    const isReady = await store.end().then(
      () => true,
      () => false,
    );
    if (isReady) break;
    await pause(100);
  }
  await store.end();
  await store.close();
}, 30_000);

afterAll(async () => {
  await call('DELETE', `/api/v1/namespaces/${namespace}`);
  admin.close();
});

/** Every test begins with an empty log; only the administrator may make it so. */
async function wipe(): Promise<void> {
  const own = `/apis/ottla.dev/v1alpha1/namespaces/${namespace}`;
  for (const plural of ['metadataslots', 'metadatasnapshots', 'metadatamanifests']) {
    await call('DELETE', `${own}/${plural}`);
  }
  await call('DELETE', `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`);
}

function openStore(faults: FaultyHttp, skewMs = 0): KubernetesStore {
  const http = faults.wrap(nodeHttpClient({ url: access.url, ca: access.ca }));
  const ownClock = skewedClock(clock, skewMs);
  return new KubernetesStore({
    api: new KubernetesApi({ http, clock: ownClock, token: async () => brokerToken }),
    clock: ownClock,
    random,
    namespace,
    lease: LOG,
    summarize: (payload) => ({ controllerEpoch: 1, summary: `${payload.length} bytes` }),
  });
}

describeStore({
  name: 'kubernetes',
  cannot: ['jumpWallClocks'],
  raceOffsets: 20,
  async create() {
    await wipe();
    const faults = new FaultyHttp(pause);
    const { failNextAppend, putNextAppendToSleep, makeUnavailable, slowDown, cutWatches, stallWatches } = faults;
    return {
      open: async (skewMs) => openStore(faults, skewMs),
      elapse: pause,
      until,
      failNextAppend,
      putNextAppendToSleep,
      makeUnavailable,
      slowDown,
      cutWatches,
      stallWatches,
      // A server of others is not put back to an earlier time, but what was written since can go.
      async remember() {
        const slots = `/apis/ottla.dev/v1alpha1/namespaces/${namespace}/metadataslots`;
        const names = async (): Promise<string[]> =>
          (await call('GET', slots)).body.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
        const kept = await names();
        return async () => {
          for (const name of await names()) if (!kept.includes(name)) await call('DELETE', `${slots}/${name}`);
        };
      },
    };
  },
});

describe('kubernetes', () => {
  test('the ring turns, twice, and stays as small as it is', async () => {
    await wipe();
    const store = openStore(new FaultyHttp(pause));
    const full = 256;
    for (let offset = 0; offset < 2 * full + 10; offset++) {
      if (offset === full) {
        const refused = store.append(offset, Buffer.from('x'));
        await expect(refused).rejects.toMatchObject({ code: 'store.conflict', context: { snapshotBelow: 1 } });
      }
      if (offset % 100 === 0 && offset > full) {
        await store.writeSnapshot({ controllerEpoch: 1, offset, chunks: [Buffer.from(`${offset}`)] });
      }
      if (offset === full) await store.writeSnapshot({ controllerEpoch: 1, offset, chunks: [Buffer.from('s')] });
      await store.append(offset, Buffer.from(`batch ${offset}`));
    }
    expect(await store.end()).toBe(2 * full + 10);
    expect((await store.read(500, 100)).map(({ payload }) => payload.toString()).at(-1)).toBe('batch 521');
    await store.close();
  });

  test('the definitions refuse what the store never writes', async () => {
    await wipe();
    const store = openStore(new FaultyHttp(pause));
    await store.append(0, Buffer.from('a'));
    await store.writeSnapshot({ controllerEpoch: 1, offset: 1, chunks: [Buffer.from('s')] });
    const own = `/apis/ottla.dev/v1alpha1/namespaces/${namespace}`;
    const changes: [string, (spec: Record<string, unknown>) => void][] = [
      [`${own}/metadataslots/${LOG}-000`, (spec) => (spec.offset = 1)],
      [`${own}/metadataslots/${LOG}-000`, (spec) => (spec.payload = 'eHh4')],
      [`${own}/metadatamanifests/${LOG}`, (spec) => (spec.offset = 0)],
      [`${own}/metadatasnapshots/${LOG}-0000000000000001-1-0-0`, (spec) => (spec.payload = 'eHh4')],
    ];
    for (const [path, change] of changes) {
      const { body: object } = await call('GET', path);
      change(object.spec);
      expect([path, (await call('PUT', path, object)).status]).toEqual([path, 422]);
    }
    await store.close();
  });

  test('the role suffices for all of the above, and allows nothing else', async () => {
    const asBroker = nodeHttpClient({ url: access.url, ca: access.ca });
    const own = `/apis/ottla.dev/v1alpha1/namespaces/${namespace}`;
    const forbidden: ['DELETE' | 'GET' | 'PUT', string][] = [
      ['DELETE', `${own}/metadataslots/${LOG}-000`],
      ['DELETE', `${own}/metadatamanifests/${LOG}`],
      ['GET', `${own}/metadatamanifests/another`],
      ['GET', `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/another`],
      ['GET', `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`],
      ['DELETE', `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${LOG}`],
      ['GET', `/api/v1/namespaces/${namespace}/secrets`],
      ['GET', `/apis/ottla.dev/v1alpha1/namespaces/default/metadataslots`],
    ];
    for (const [method, path] of forbidden) {
      const headers = { authorization: `Bearer ${brokerToken}` };
      const { status } = await asBroker.request({ method, path, headers, timeoutMs: 10_000 });
      expect([method, path, status]).toEqual([method, path, 403]);
    }
    asBroker.close();
  });

  test('three brokers agree through it', async () => {
    await wipe();
    await checkCluster('kubernetes', {
      'ottla.coordination': 'kubernetes',
      'ottla.coordination.namespace': namespace,
    });
  });

  test('how fast it is', async () => {
    await wipe();
    const store = openStore(new FaultyHttp(pause));
    await measureStore('kubernetes', store);
    await store.close();
  });
});

import { afterEach, expect, test } from 'vitest';
import { FakeKubernetes } from '../test/support/fake-kubernetes.ts';
import { BrokerConfig } from './config/mod.ts';
import { encodeBatch } from './metadata/mod.ts';
import { hasOwnStore, openStore } from './open-store.ts';
import { type Runtime, silentLogger } from './std/mod.ts';
import { nodeRuntime } from './std/node-runtime.ts';
import { MemoryDisk } from './std/sim/memory-disk.ts';

const servers: FakeKubernetes[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

function world(): Runtime & { readonly disk: MemoryDisk } {
  const disk = new MemoryDisk();
  disk.makeFolder('/data');
  return { ...nodeRuntime(silentLogger), disk };
}

const configOf = (values: Readonly<Record<string, string>>): BrokerConfig =>
  new BrokerConfig(new Map(Object.entries({ 'log.dirs': '/data,/more', ...values })));

test('without a word the store is a folder in the first log folder', async () => {
  const runtime = world();
  const store = await openStore(configOf({}), runtime, {});
  await store.append(0, Buffer.from('x'));
  expect(runtime.disk.list('/data/__cluster_metadata-20000/log').length).toBe(1);
});

test('several brokers share the folder that they name', async () => {
  const runtime = world();
  const config = configOf({ 'ottla.coordination': 'files', 'ottla.coordination.folder': '/shared/metadata' });
  const [a, b] = [await openStore(config, runtime, {}), await openStore(config, runtime, {})];
  await a.append(0, Buffer.from('x'));
  expect(await b.end()).toBe(1);
});

test.each([
  [{ 'ottla.coordination': 'zookeeper' }, 'ottla.coordination'],
  [{ 'ottla.coordination.uri': 'redis://localhost' }, 'ottla.coordination.uri'],
  [{ 'ottla.coordination': 'redis', 'ottla.coordination.folder': '/x' }, 'ottla.coordination.folder'],
  [{ 'ottla.coordination': 'redis' }, 'ottla.coordination.url'],
  [{ 'ottla.coordination': 'redis', 'ottla.coordination.url': 'localhost:6379' }, 'ottla.coordination.url'],
  [{ 'ottla.coordination': 'kubernetes', 'ottla.coordination.lease': 'My_Cluster' }, 'ottla.coordination.lease'],
  [{ 'ottla.coordination': 'kubernetes' }, 'KUBECONFIG'],
])('%o is refused, with the key that is wrong', async (values, name) => {
  const opened = openStore(configOf(values), world(), {});
  await expect(opened).rejects.toMatchObject({ code: 'config.invalid', message: expect.stringContaining(name) });
});

/** A kubeconfig on the disk of the world, with a user as given. */
function kubeConfig(url: string, user: object): string {
  return JSON.stringify({
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u', namespace: 'of-context' } }],
    clusters: [{ name: 'c', cluster: { server: url } }],
    users: [{ name: 'u', user }],
  });
}

function writeFile(disk: MemoryDisk, path: string, text: string): void {
  disk.makeFolder(path.slice(0, path.lastIndexOf('/')));
  const file = disk.open(path, 'create');
  file.writeSync(Buffer.from(text), 0, Buffer.byteLength(text), 0);
  file.close();
}

async function kubernetesWorld(user: object) {
  const server = await FakeKubernetes.start();
  servers.push(server);
  const runtime = world();
  writeFile(runtime.disk, '/home/.kube/config', kubeConfig(server.url, user));
  return { server, runtime };
}

test('a kubeconfig says where, as whom and in which namespace; slots tell people what is in them', async () => {
  const { server, runtime } = await kubernetesWorld({ token: 'secret' });
  const store = await openStore(configOf({ 'ottla.coordination': 'kubernetes' }), runtime, { HOME: '/home' });
  const topic = { kind: 'Topic', name: 't', topicId: 'AAAAAAAAAAAAAAAAAAAABA' } as const;
  const feature = { kind: 'FeatureLevel', name: 'f', featureLevel: 1 } as const;
  await store.append(0, encodeBatch({ controllerEpoch: 7, records: [topic, feature, topic] }));
  await store.close();
  const path = '/apis/ottla.dev/v1alpha1/namespaces/of-context/metadataslots/ottla-000';
  expect(server.copy().get(path)).toMatchObject({
    kind: 'MetadataSlot',
    metadata: { name: 'ottla-000', labels: { 'ottla.dev/log': 'ottla', 'ottla.dev/offset': '0' } },
    spec: { offset: 0, controllerEpoch: 7, summary: '2 Topic, 1 FeatureLevel' },
  });
  expect(server.requests[0]?.headers.authorization).toBe('Bearer secret');
});

test('namespace and lease can be named', async () => {
  const { server, runtime } = await kubernetesWorld({ token: 'secret' });
  const config = configOf({
    'ottla.coordination': 'kubernetes',
    'ottla.coordination.namespace': 'kafka',
    'ottla.coordination.lease': 'orders',
  });
  const store = await openStore(config, runtime, { KUBECONFIG: '/home/.kube/config' });
  await store.leases.acquire('broker-1', 6000);
  await store.close();
  expect(server.paths()).toEqual(['/apis/coordination.k8s.io/v1/namespaces/kafka/leases/orders']);
});

test('a token file is read again while the broker runs', async () => {
  const { server, runtime } = await kubernetesWorld({ tokenFile: 'token' });
  writeFile(runtime.disk, '/home/.kube/token', 'old\n');
  let nowMs = 0;
  const clock = { ...runtime.clock, monotonicMs: () => nowMs };
  const config = configOf({ 'ottla.coordination': 'kubernetes' });
  const store = await openStore(config, { ...runtime, clock }, { HOME: '/home' });
  await store.end();
  writeFile(runtime.disk, '/home/.kube/token', 'new\n');
  nowMs = 59_000;
  await store.end();
  nowMs = 60_000;
  await store.end();
  await store.close();
  expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
    'Bearer old',
    'Bearer old',
    'Bearer new',
  ]);
});

test('credentials from a plug-in are refused by name', async () => {
  const { runtime } = await kubernetesWorld({ exec: { command: 'gcloud' } });
  const opened = openStore(configOf({ 'ottla.coordination': 'kubernetes' }), runtime, { HOME: '/home' });
  await expect(opened).rejects.toMatchObject({ code: 'config.invalid', message: expect.stringContaining('exec') });
});

test('a pod without a service account is told so', async () => {
  const opened = openStore(configOf({ 'ottla.coordination': 'kubernetes' }), world(), { KUBERNETES_SERVICE_HOST: 'x' });
  await expect(opened).rejects.toMatchObject({
    code: 'config.invalid',
    message: expect.stringContaining('service account'),
  });
});

test('in a pod the service account says all of it', async () => {
  const runtime = world();
  const folder = '/var/run/secrets/kubernetes.io/serviceaccount';
  for (const [name, text] of Object.entries({ 'ca.crt': 'not a certificate', token: 't', namespace: 'pods' })) {
    writeFile(runtime.disk, `${folder}/${name}`, text);
  }
  // Nobody listens there, and the certificate is none: that the store is away is all that can be seen from here.
  const environment = { KUBERNETES_SERVICE_HOST: '::1', KUBERNETES_SERVICE_PORT: '1' };
  const store = await openStore(configOf({ 'ottla.coordination': 'kubernetes' }), runtime, environment);
  await expect(store.end()).rejects.toMatchObject({
    code: 'store.unavailable',
    message: expect.stringContaining('/namespaces/pods/'),
  });
});

test.each([
  [{}, true],
  [{ 'ottla.coordination': 'files' }, true],
  [{ 'ottla.coordination.folder': '/shared' }, false],
  [{ 'ottla.coordination': 'redis', 'ottla.coordination.url': 'redis://localhost' }, false],
])('with %j the store is the broker’s own: %s', (values, isOwn) => {
  expect(hasOwnStore(configOf(values))).toBe(isOwn);
});

/**
 * Brokers as pods on a real Kubernetes, as hack/manifests describes them: `npm run e2e [-- --long]`.
 *
 * A load runs in a pod of its own while pods are deleted, processes killed, the API server stopped and a node lost; at
 * the end it reads everything back. With --long the API server stays away for a quarter of an hour. What cannot be done
 * on the cluster that is there is skipped, and said.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pause } from '../support/real-world.ts';
import { ensure, equal, Tally } from '../support/tally.ts';
import { buildImages } from './images.ts';
import { Kubernetes } from './kubernetes.ts';
import { type LoadReport, parseReport, spanOf } from './load-report.ts';
import { findTooling, type Machine } from './tooling.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const isLong = process.argv.includes('--long');
const BROKERS = ['ottla-broker-1', 'ottla-broker-2', 'ottla-broker-3'] as const;
/** Longer than a broker takes to move its leaders away and close its logs; far shorter than its grace. */
const STOP_MS_MAX = 20_000;
const READY_MS_MAX = 120_000;
const API_AWAY_MS = isLong ? 15 * 60_000 : 30_000;
/** Until the session of a lost node's broker has ended, and what follows from that is done. */
const NODE_LOST_MS = 30_000;
const QUIET_MS = 5000;
/** With the API server away the load goes on as if nothing were: only elections need it. */
const UNDISTURBED_MS_MAX = 2000;

const tally = new Tally();
const tooling = await findTooling();
if (typeof tooling === 'string') tally.skip('brokers as pods', tooling);
else {
  const namespace = `ottla-e2e-${randomBytes(3).toString('hex')}`;
  const kubernetes = new Kubernetes({ namespace, environment: tooling.environment });
  try {
    await suite(kubernetes, tooling.machine, tooling.environment);
  } finally {
    if (tally.failed > 0) await describeFailure(kubernetes);
    await kubernetes.tryKubectl(['delete', 'namespace', namespace, '--wait=false']);
    await tooling.machine?.close();
  }
}
tally.finish();

async function suite(
  kubernetes: Kubernetes,
  machine: Machine | undefined,
  environment: Record<string, string>,
): Promise<void> {
  const { namespace } = kubernetes;
  if (machine === undefined)
    process.stdout.write('the images ottla:dev and ottla-e2e:dev must be on the nodes already\n');
  else {
    await tally.check('the images are built and put into the nodes', async () => {
      await buildImages(environment);
      for (const image of ['ottla:dev', 'ottla-e2e:dev']) await machine.loadImage(image);
    });
  }
  await tally.check('three restricted pods become ready', async () => {
    await kubernetes.kubectl(['create', 'namespace', namespace]);
    const enforce = 'pod-security.kubernetes.io/enforce=restricted';
    await kubernetes.kubectl(['label', 'namespace', namespace, enforce]);
    await kubernetes.kubectl(['apply', '-f', join(root, 'crds')]);
    const secret = `--from-literal=secret=${randomBytes(32).toString('hex')}`;
    await kubernetes.kubectl(['create', 'secret', 'generic', 'ottla-control', secret]);
    await applyManifests(kubernetes);
    await allReady(kubernetes);
    const { items } = await kubernetes.get('pods');
    const nodes = new Set(items.map(({ spec }: { spec: { nodeName: string } }) => spec.nodeName));
    const all = (await kubernetes.get('nodes')).items.length;
    ensure(nodes.size === Math.min(all, BROKERS.length), `the brokers share ${nodes.size} of ${all} nodes`);
  });
  await tally.check('the broker may do what it needs and no more', async () => {
    const who = `--as=system:serviceaccount:${namespace}:ottla-broker`;
    for (const [verb, what, may] of [
      ['update', 'metadataslots.ottla.dev', 'yes'],
      ['delete', 'metadataslots.ottla.dev', 'no'],
      ['get', 'secrets', 'no'],
      ['list', 'pods', 'no'],
    ] as const) {
      const said = await kubernetes.tryKubectl(['auth', 'can-i', verb, what, who]);
      equal(said?.trim() ?? 'no', may, `${verb} ${what}`);
    }
  });
  if (tally.failed > 0) return;

  await tally.check('another pod produces and consumes through the bootstrap Service', async () => {
    await kubernetes.kubectl(['apply', '-f', join(root, 'test/e2e/load-pod.yaml')]);
    await kubernetes.eventually('the load did not start', READY_MS_MAX, async () => {
      return (await reportOf(kubernetes)).lines.length > 2;
    });
    equal((await reportOf(kubernetes)).hello, 100, 'records that came back to the consumer group');
  });
  if (tally.failed > 0) return;

  await phase(kubernetes, 'nothing is broken', () => pause(QUIET_MS), UNDISTURBED_MS_MAX);
  await phase(kubernetes, 'a pod is deleted, and stops in time', async () => {
    const startMs = performance.now();
    await kubernetes.kubectl(['delete', 'pod', BROKERS[1]]);
    const stopMs = Math.round(performance.now() - startMs);
    process.stdout.write(`        SIGTERM to gone: ${stopMs} ms\n`);
    ensure(stopMs < STOP_MS_MAX, `the pod took ${stopMs} ms to stop`);
  });
  await phase(
    kubernetes,
    'three pods are deleted at once, and stop one after the other',
    async () => {
      await kubernetes.kubectl(['delete', 'pod', ...BROKERS, '--wait=false']);
      await pause(QUIET_MS);
    },
    UNDISTURBED_MS_MAX,
  );
  await phase(
    kubernetes,
    'a node is drained, and comes back',
    async () => {
      const { spec } = await kubernetes.get('pod', BROKERS[0]);
      const only = ['--pod-selector=app.kubernetes.io/name=ottla-broker', '--delete-emptydir-data'];
      await kubernetes.kubectl(['drain', spec.nodeName, ...only]);
      await kubernetes.kubectl(['uncordon', spec.nodeName]);
    },
    UNDISTURBED_MS_MAX,
  );
  await phase(kubernetes, 'the process of the controller is killed', async () => {
    const holder = (await kubernetes.get('lease', 'ottla')).spec.holderIdentity;
    const pod = `ottla-${holder.split('/')[0]}`;
    await kubernetes.exec(
      pod,
      'for p in /proc/[0-9]*; do grep -qs "main[.]mjs" $p/cmdline && kill -9 $(basename $p); done; true',
    );
    await kubernetes.eventually('the container did not start again', READY_MS_MAX, async () => {
      const { status } = await kubernetes.get('pod', pod);
      return status.containerStatuses[0].restartCount > 0;
    });
  });
  await tally.check('kubectl shows batches and snapshots readably', () => showMetadata(kubernetes));

  if (machine === undefined) {
    tally.skip('the API server is away', 'this suite cannot stop the API server of this cluster');
    tally.skip('a node is lost', 'this suite cannot take nodes of this cluster away');
  } else {
    const restarts = await restartCount(kubernetes);
    const title = `the API server is away for ${API_AWAY_MS / 1000} s`;
    await phase(
      kubernetes,
      title,
      async () => {
        machine.stopApiServer();
        await pause(API_AWAY_MS);
        await machine.mend();
      },
      UNDISTURBED_MS_MAX,
    );
    await tally.check('no broker was restarted for that', async () => {
      const now = await restartCount(kubernetes);
      // What ended is gone from the logs once the node is lost.
      if (now !== restarts) await describeFailure(kubernetes);
      equal(now, restarts, 'restarts');
    });
    await phase(kubernetes, 'a node is lost, and comes back', async () => {
      const load = await kubernetes.get('pod', 'load');
      const pods = await Promise.all(BROKERS.map((name) => kubernetes.get('pod', name)));
      const lost = pods.find(({ spec }) => spec.nodeName !== load.spec.nodeName);
      await machine.loseNode(lost.spec.nodeName);
      await pause(NODE_LOST_MS);
      await machine.mend();
    });
  }

  await tally.check('nothing acknowledged is lost, nothing is there twice, order is kept', async () => {
    await kubernetes.exec('load', 'kill -USR2 1');
    await kubernetes.eventually('the load did not finish', READY_MS_MAX, async () => {
      return (await reportOf(kubernetes)).final !== undefined;
    });
    const { final } = await reportOf(kubernetes);
    process.stdout.write(`        ${final?.acknowledged} records acknowledged\n`);
    equal(final?.wrong, [], 'what is wrong');
  });
}

/** Under load: does something, waits until all is well again, and tells how long a partition stood still at worst. */
async function phase(
  kubernetes: Kubernetes,
  title: string,
  inflict: () => Promise<unknown>,
  pauseMsMax = Number.POSITIVE_INFINITY,
): Promise<void> {
  await tally.check(title, async () => {
    const fromMs = Date.now();
    await inflict();
    await allReady(kubernetes);
    await kubernetes.eventually('replicas did not come back in sync', READY_MS_MAX, async () => {
      const last = (await reportOf(kubernetes)).lines.at(-1);
      return last !== undefined && last.atMs > Date.now() - QUIET_MS && last.inSync === BROKERS.length;
    });
    const { lines } = await reportOf(kubernetes);
    const { pauseMs, acknowledged, errors } = spanOf(lines, fromMs, Date.now());
    process.stdout.write(
      `        longest pause ${pauseMs} ms; ${acknowledged} acknowledged; retried after: ${errors}\n`,
    );
    equal(lines.at(-1)?.violations, 0, 'violations');
    ensure(acknowledged > 0, 'nothing was acknowledged');
    ensure(pauseMs <= pauseMsMax, `a partition stood still for ${pauseMs} ms, more than ${pauseMsMax} ms`);
  });
}

async function reportOf(kubernetes: Kubernetes): Promise<LoadReport> {
  return parseReport(await kubernetes.exec('load', 'cat /lines/load'));
}

function allReady(kubernetes: Kubernetes): Promise<void> {
  return kubernetes.eventually('the pods did not all become ready', READY_MS_MAX, async () => {
    const pods = await Promise.all(BROKERS.map((name) => kubernetes.get('pod', name)));
    return pods.every(
      ({ metadata, status }) =>
        metadata.deletionTimestamp === undefined && status.containerStatuses?.[0]?.ready === true,
    );
  });
}

async function restartCount(kubernetes: Kubernetes): Promise<number> {
  const pods = await Promise.all(BROKERS.map((name) => kubernetes.get('pod', name)));
  return pods.reduce((sum, { status }) => sum + status.containerStatuses[0].restartCount, 0);
}

/** The manifests as they are, in a namespace of this run, with snapshots often enough to see some. */
async function applyManifests(kubernetes: Kubernetes): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-e2e-'));
  const snapshots = { op: 'add', path: '/spec/template/spec/containers/0/args/-' };
  const patch = [{ ...snapshots, value: '--override=ottla.metadata.snapshot.batches=20' }];
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    namespace: kubernetes.namespace,
    resources: [relative(folder, join(root, 'hack/manifests'))],
    patches: [{ target: { kind: 'StatefulSet' }, patch: JSON.stringify(patch) }],
  };
  writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
  await kubernetes.kubectl(['apply', '-k', folder]);
  rmSync(folder, { recursive: true, force: true });
}

async function showMetadata(kubernetes: Kubernetes): Promise<void> {
  const slots = await kubernetes.kubectl(['get', 'metadataslots']);
  ensure(/\bRegisterBroker\b/.test(slots) && /\bPartitionChange\b/.test(slots), `batches cannot be read: ${slots}`);
  const snapshots = await kubernetes.kubectl(['get', 'metadatasnapshots']);
  ensure(/OFFSET/.test(snapshots) && snapshots.trim().split('\n').length > 1, `no snapshots: ${snapshots}`);
  const lines = [...slots.trim().split('\n').slice(0, 4), ...snapshots.trim().split('\n').slice(0, 3)];
  const leader = (await kubernetes.get('lease', 'ottla')).spec.holderIdentity;
  ensure(/^broker-[123]\//.test(leader), `the lease is held by ${leader}`);
  process.stdout.write(`${lines.map((line) => `        ${line}`).join('\n')}\n        led by ${leader}\n`);
}

async function describeFailure(kubernetes: Kubernetes): Promise<void> {
  const asked = [
    ['get', 'pods', '-o', 'wide'],
    ['get', 'events', '--sort-by=.lastTimestamp'],
    [
      'get',
      'pods',
      '-o',
      'jsonpath={range .items[*]}{.metadata.name} {.status.containerStatuses[0].lastState}{"\\n"}{end}',
    ],
    ...BROKERS.map((name) => ['logs', name, '--tail=40']),
    ...BROKERS.map((name) => ['logs', name, '--previous', '--tail=40']),
    ['exec', 'load', '--', 'tail', '-n', '20', '/lines/load'],
  ];
  for (const args of asked) {
    process.stdout.write(`--- kubectl ${args.join(' ')}\n${(await kubernetes.tryKubectl(args)) ?? 'no answer'}\n`);
  }
}

/** Opens the stores that need more than a folder. What they stand on is loaded only where it is used. */
import type { Runtime } from '../std/mod.ts';
import type { BatchSummary } from './kubernetes/objects.ts';
import type { CoordinationStore } from './store.ts';

export async function openRedisStore(options: {
  readonly runtime: Runtime;
  readonly url: string;
  /** First part of every key, so that several clusters may share a Redis. */
  readonly prefix: string;
}): Promise<CoordinationStore> {
  const { runtime, url, prefix } = options;
  const [{ connectRedis }, { RedisStore }] = await Promise.all([
    import('./redis/client.ts'),
    import('./redis/redis-store.ts'),
  ]);
  const redis = await connectRedis({ url, random: runtime.random, log: runtime.log });
  return new RedisStore({ redis, clock: runtime.clock, prefix });
}

export async function openKubernetesStore(options: {
  readonly runtime: Runtime;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Default: that of the pod, or of the kubeconfig's context. */
  readonly namespace: string | undefined;
  readonly lease: string;
  readonly summarize: (payload: Buffer) => BatchSummary;
}): Promise<CoordinationStore> {
  const { clock, random, disk } = options.runtime;
  const [{ loadKubeAccess }, { KubernetesApi }, { KubernetesStore }, { nodeHttpClient }] = await Promise.all([
    import('./kubernetes/kube-access.ts'),
    import('./kubernetes/api.ts'),
    import('./kubernetes/kubernetes-store.ts'),
    import('../std/node-http-client.ts'),
  ]);
  const access = await loadKubeAccess({ disk, clock, environment: options.environment });
  const api = new KubernetesApi({ http: nodeHttpClient(access), clock, token: access.token });
  const { lease, summarize } = options;
  return new KubernetesStore({
    api,
    clock,
    random,
    namespace: options.namespace ?? access.namespace,
    lease,
    summarize,
  });
}

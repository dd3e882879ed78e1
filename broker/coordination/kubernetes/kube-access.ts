/**
 * Where the Kubernetes API is and who we are there: a kubeconfig file where KUBECONFIG names one, else the service
 * account of the pod, else ~/.kube/config. Certificates, tokens and token files are understood; a user whose
 * credentials come from a plug-in (`exec`, `auth-provider`) is refused by name, because a broker starts no programs.
 */
import { isAbsolute, join } from 'node:path';
import { BrokerError, type Clock, type Disk } from '../../std/mod.ts';

const POD_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Tokens of pods are valid for an hour and renewed long before. */
const TOKEN_REREAD_MS = 60_000;

export interface KubeAccess {
  readonly url: string;
  readonly ca?: string | undefined;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly skipsVerification?: boolean | undefined;
  readonly token: () => Promise<string | undefined>;
  readonly namespace: string;
}

interface Options {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export async function loadKubeAccess(options: Options): Promise<KubeAccess> {
  const { disk, environment } = options;
  const named = environment.KUBECONFIG;
  if (named !== undefined && named !== '') return fromKubeConfig(named, options);
  const podHost = environment.KUBERNETES_SERVICE_HOST;
  if (podHost !== undefined && podHost !== '') return fromPod(podHost, options);
  const own = `${environment.HOME ?? ''}/.kube/config`;
  if (disk.exists(own)) return fromKubeConfig(own, options);
  throw new BrokerError(
    'config.invalid',
    'ottla.coordination=kubernetes needs a Kubernetes API: run in a pod with a service account, or set KUBECONFIG',
  );
}

function fromPod(host: string, { disk, clock, environment }: Options): KubeAccess {
  const read = (name: string): string => {
    try {
      return disk.readFile(`${POD_FOLDER}/${name}`).toString().trim();
    } catch (error) {
      throw new BrokerError('config.invalid', `the pod has no service account: ${(error as Error).message}`, {
        cause: error,
      });
    }
  };
  const address = host.includes(':') ? `[${host}]` : host;
  return {
    url: `https://${address}:${environment.KUBERNETES_SERVICE_PORT ?? '443'}`,
    ca: read('ca.crt'),
    token: rereadToken(() => read('token'), clock),
    namespace: read('namespace'),
  };
}

/** The parts of a kubeconfig that matter here. */
interface KubeConfig {
  readonly 'current-context'?: string;
  readonly contexts?: readonly {
    readonly name: string;
    readonly context: { readonly cluster: string; readonly user: string; readonly namespace?: string };
  }[];
  readonly clusters?: readonly { readonly name: string; readonly cluster: Readonly<Record<string, unknown>> }[];
  readonly users?: readonly { readonly name: string; readonly user: Readonly<Record<string, unknown>> }[];
}

async function fromKubeConfig(path: string, { disk, clock }: Options): Promise<KubeAccess> {
  const invalid = (problem: string): BrokerError =>
    new BrokerError('config.invalid', `the kubeconfig ${path} ${problem}`, { context: { path } });
  const { parse } = await import('yaml');
  let config: KubeConfig;
  try {
    config = (parse(disk.readFile(path).toString()) ?? {}) as KubeConfig;
  } catch (error) {
    throw invalid(`cannot be read: ${(error as Error).message}`);
  }
  const contextName = config['current-context'];
  const context = config.contexts?.find(({ name }) => name === contextName)?.context;
  if (context === undefined) throw invalid(`has no context '${contextName}'`);
  const cluster = config.clusters?.find(({ name }) => name === context.cluster)?.cluster;
  if (typeof cluster?.server !== 'string') throw invalid(`has no server for the cluster '${context.cluster}'`);
  const user = config.users?.find(({ name }) => name === context.user)?.user ?? {};
  const plugin = ['exec', 'auth-provider'].find((key) => user[key] !== undefined);
  if (plugin !== undefined) {
    throw invalid(`gets the credentials of '${context.user}' from a plug-in (${plugin}), which a broker does not run`);
  }

  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  const readFile = (file: string): string => disk.readFile(isAbsolute(file) ? file : join(folder, file)).toString();
  /** Inline as base64 under `key-data`, or in the file that `key` names. */
  const pem = (section: Readonly<Record<string, unknown>>, key: string): string | undefined => {
    const inline = section[`${key}-data`];
    if (typeof inline === 'string') return Buffer.from(inline, 'base64').toString();
    const file = section[key];
    return typeof file === 'string' ? readFile(file) : undefined;
  };
  const { token, tokenFile } = user;
  return {
    url: cluster.server,
    ca: pem(cluster, 'certificate-authority'),
    certificate: pem(user, 'client-certificate'),
    key: pem(user, 'client-key'),
    skipsVerification: cluster['insecure-skip-tls-verify'] === true,
    token:
      typeof tokenFile === 'string'
        ? rereadToken(() => readFile(tokenFile).trim(), clock)
        : async () => (typeof token === 'string' ? token : undefined),
    namespace: context.namespace ?? 'default',
  };
}

function rereadToken(read: () => string, clock: Clock): () => Promise<string> {
  let token = read();
  let readAtMs = clock.monotonicMs();
  return async () => {
    if (clock.monotonicMs() - readAtMs >= TOKEN_REREAD_MS) {
      token = read();
      readAtMs = clock.monotonicMs();
    }
    return token;
  };
}

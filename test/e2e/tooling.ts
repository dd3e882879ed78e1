/**
 * The Kubernetes that the suite runs on: the one of KUBECONFIG, or one that is started beside the checkout. Only the
 * latter can lose nodes and its API server, and only there are images put into the nodes by a script of its own.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exists, mustRun } from '../support/command.ts';

const folder = fileURLToPath(new URL('../../../shared/kube', import.meta.url));
const NODES = '3';
const START_TRIES = 5;
const BUILD_MS_MAX = 1_500_000;
const CALL_MS_MAX = 120_000;

export interface Tooling {
  readonly environment: Record<string, string>;
  /** Undefined where this suite cannot take nodes and servers away. */
  readonly machine: Machine | undefined;
}

export interface Machine {
  loadImage(image: string): Promise<void>;
  loseNode(name: string): Promise<void>;
  stopApiServer(): void;
  /** Starts whatever is missing. */
  mend(): Promise<void>;
  /** Takes down what was not up before. */
  close(): Promise<void>;
}

/** A sentence where there is no Kubernetes. */
export async function findTooling(): Promise<Tooling | string> {
  const named = process.env.KUBECONFIG ?? '';
  if (existsSync(join(folder, 'up.sh')) && process.getuid?.() === 0) {
    if (!versions('bin/kube-apiserver') && process.env.CI === 'true') {
      return 'the Kubernetes beside the checkout is not built here, which takes a quarter of an hour';
    }
    const wasUp = versions('run/kube-apiserver.pid');
    const { kubeconfig, path } = await up();
    const environment = { KUBECONFIG: kubeconfig, PATH: path, STORAGE_DRIVER: process.env.STORAGE_DRIVER ?? 'overlay' };
    if (named === '' || named === kubeconfig) return { environment, machine: machineOf(kubeconfig, wasUp) };
  }
  if (named === '') return 'KUBECONFIG names no cluster, and none can be started beside the checkout';
  if (!(await exists('kubectl'))) return 'kubectl is not installed';
  return { environment: { KUBECONFIG: named }, machine: undefined };
}

/** Whether any version that is kept on this machine has the file. */
function versions(file: string): boolean {
  const home = process.env.OTTLA_KUBE_HOME ?? join(process.env.HOME ?? '/root', '.cache/ottla-kube');
  return existsSync(home) && readdirSync(home).some((version) => existsSync(join(home, version, file)));
}

/** Starts what does not run. On a cluster that is up it now and then takes an address for missing, and fails. */
async function start(): Promise<string> {
  for (let tries = 1; ; tries++) {
    try {
      return (await mustRun(join(folder, 'up.sh'), [NODES], { timeoutMs: BUILD_MS_MAX })).stdout.toString();
    } catch (error) {
      if (tries === START_TRIES) throw error;
    }
  }
}

async function up(): Promise<{ readonly kubeconfig: string; readonly path: string }> {
  const stdout = await start();
  const kubeconfig = /^KUBECONFIG=(.*)$/m.exec(stdout.toString())?.[1];
  if (kubeconfig === undefined) throw new Error(`no KUBECONFIG in what was said: ${stdout}`);
  return { kubeconfig, path: `${join(dirname(kubeconfig), '../bin')}:${process.env.PATH}` };
}

function machineOf(kubeconfig: string, wasUp: boolean): Machine {
  return {
    async loadImage(image) {
      await mustRun(join(folder, 'load-image.sh'), [image], { timeoutMs: CALL_MS_MAX });
    },
    async loseNode(name) {
      const number = /(\d+)$/.exec(name)?.[1] ?? '';
      await mustRun(join(folder, 'lose-node.sh'), [number]);
    },
    stopApiServer() {
      process.kill(Number(readFileSync(join(dirname(kubeconfig), '../run/kube-apiserver.pid'), 'utf8')), 'SIGKILL');
    },
    async mend() {
      await start();
    },
    async close() {
      if (!wasUp) await mustRun(join(folder, 'down.sh'), [], { timeoutMs: CALL_MS_MAX });
    },
  };
}

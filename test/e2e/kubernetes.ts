/** kubectl in one namespace, and waiting with it. */
import { mustRun, run } from '../support/command.ts';
import { pause } from '../support/real-world.ts';

const POLL_MS = 250;
const CALL_MS_MAX = 120_000;

export class Kubernetes {
  readonly namespace: string;
  private readonly environment: Record<string, string>;

  constructor(options: { readonly namespace: string; readonly environment: Record<string, string> }) {
    this.namespace = options.namespace;
    this.environment = options.environment;
  }

  async kubectl(args: readonly string[], input?: string): Promise<string> {
    const { stdout } = await mustRun('kubectl', ['-n', this.namespace, ...args], {
      env: this.environment,
      timeoutMs: CALL_MS_MAX,
      ...(input === undefined ? {} : { input }),
    });
    return stdout.toString();
  }

  /** For questions whose answer may be no, or an API server that is away. */
  async tryKubectl(args: readonly string[]): Promise<string | undefined> {
    const { status, stdout } = await run('kubectl', ['-n', this.namespace, ...args], {
      env: this.environment,
      timeoutMs: CALL_MS_MAX,
    });
    return status === 0 ? stdout.toString() : undefined;
  }

  // biome-ignore lint/suspicious/noExplicitAny: objects of Kubernetes, looked into here and there
  async get(...args: string[]): Promise<any> {
    return JSON.parse(await this.kubectl(['get', ...args, '-o', 'json']));
  }

  /** Runs a shell command in the first container of a pod. */
  exec(pod: string, command: string): Promise<string> {
    return this.kubectl(['exec', pod, '--', 'sh', '-c', command]);
  }

  async eventually(problem: string, timeoutMs: number, isSo: () => Promise<boolean>): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    let last = '';
    while (performance.now() < deadlineMs) {
      try {
        if (await isSo()) return;
      } catch (error) {
        last = (error as Error).message;
      }
      await pause(POLL_MS);
    }
    throw new Error(`${problem} within ${timeoutMs} ms${last === '' ? '' : `: ${last}`}`);
  }
}

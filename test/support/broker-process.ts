/** A real broker process on a free port with a folder of its own, for tests over real sockets and files. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = join(root, 'broker/main.ts');
const PORT_MAX = 65_535;
const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 30_000;
const OUTPUT_CHARACTERS_MAX = 16_000;

export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** A port that is free, as are those behind it, and those 1,000 above, which Kafka's controllers take. */
export async function freePortRange(count: number): Promise<number> {
  for (;;) {
    const first = await freePort();
    const wanted = Array.from({ length: count }, (_, index) => [first + index, first + 1000 + index]).flat();
    if (Math.max(...wanted) > PORT_MAX) continue;
    if ((await Promise.all(wanted.map(isFree))).every(Boolean)) return first;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

async function waitForPort(port: number, isAlive: () => boolean): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (!isAlive()) throw new Error('the broker ended before it listened');
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`the broker did not listen on port ${port} within ${START_TIMEOUT_MS} ms`);
}

export type BrokerProcessOptions = {
  readonly overrides?: Readonly<Record<string, string>>;
  readonly folder?: string;
  readonly port?: number;
  /** What Node runs: the sources, unless it is a bundle of them. */
  readonly program?: string | undefined;
  /** False returns once it listens, which it does before the cluster knows it. */
  readonly waitsUntilServing?: boolean;
};

export class BrokerProcess {
  readonly port: number;
  readonly dataFolder: string;
  private readonly overrides: Readonly<Record<string, string>>;
  private readonly ownsFolder: boolean;
  private readonly program: string;
  private child: ChildProcess | undefined;
  /** The last lines of the log, for the message of a failure. */
  output = '';

  private constructor(port: number, options: BrokerProcessOptions) {
    this.port = port;
    this.ownsFolder = options.folder === undefined;
    this.dataFolder = options.folder ?? mkdtempSync(join(tmpdir(), 'ottla-test-'));
    this.overrides = options.overrides ?? {};
    this.program = options.program ?? SOURCES;
  }

  static async start(options: BrokerProcessOptions = {}): Promise<BrokerProcess> {
    const port = options.port ?? (await freePort());
    const broker = new BrokerProcess(port, options);
    await broker.run(options.waitsUntilServing);
    return broker;
  }

  /** Waits for a line of the log that holds `text`, and returns it. */
  async logged(text: string): Promise<string> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (Date.now() < deadline) {
      const line = this.output.split('\n').find((each) => each.includes(text));
      if (line !== undefined) return line;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`the broker did not log "${text}"\n${this.output}`);
  }

  get bootstrap(): string {
    return `127.0.0.1:${this.port}`;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Starts the process, or starts it again on the same folder and port. */
  async run(waitsUntilServing = true): Promise<void> {
    const settings = {
      listeners: `PLAINTEXT://127.0.0.1:${this.port},CONTROL://127.0.0.1:0`,
      'log.dirs': this.dataFolder,
      'ottla.http.port': '-1',
      // Tests stop whole clusters, and nobody is spared then.
      'ottla.stop.permit.ms': '0',
      ...this.overrides,
    };
    const args = Object.entries(settings).flatMap(([key, value]) => ['--override', `${key}=${value}`]);
    const child = spawn(process.execPath, [this.program, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    this.output = '';
    const keep = (chunk: Buffer): void => {
      this.output = (this.output + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    try {
      await waitForPort(this.port, () => child.exitCode === null && child.signalCode === null);
      // It listens before the cluster knows it: until then no topic can be made.
      if (waitsUntilServing) await this.logged('broker is serving');
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.output}`);
    }
  }

  /** Ends the process with a signal and waits until it is gone; one that hangs is killed and reported. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
    if (isLate) throw new Error(`the broker ignored ${signal} for ${STOP_TIMEOUT_MS} ms\n${this.output}`);
  }

  /** The process stands still, with all its connections open, until it is thawed. */
  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.child?.kill('SIGCONT');
  }

  /** Stops the broker and removes its folder. */
  async close(): Promise<void> {
    await this.signal('SIGTERM');
    if (this.ownsFolder) rmSync(this.dataFolder, { recursive: true, force: true });
  }
}

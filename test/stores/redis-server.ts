/** A Redis of our own in a folder of its own; `redis-server` must be installed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause } from '../support/real-world.ts';

export const SAFE_SETTINGS = { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' };

const READY_TRIES = 200;
const READY_EVERY_MS = 25;

export class RedisServer {
  readonly port: number;
  private readonly folder: string;
  private child: ChildProcess | undefined;

  private constructor(port: number) {
    this.port = port;
    this.folder = mkdtempSync(join(tmpdir(), 'ottla-redis-'));
  }

  static async start(settings: Readonly<Record<string, string>> = SAFE_SETTINGS): Promise<RedisServer> {
    const server = new RedisServer(await freePort());
    await server.start(settings);
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it again on what it left on its disk. */
  async start(settings: Readonly<Record<string, string>> = SAFE_SETTINGS): Promise<void> {
    const args = { bind: '127.0.0.1', port: String(this.port), dir: this.folder, save: '', ...settings };
    const child = spawn(
      'redis-server',
      Object.entries(args).flatMap(([name, value]) => [`--${name}`, value]),
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    this.child = child;
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    for (let tries = 0; tries < READY_TRIES; tries++) {
      if (output.includes('Ready to accept connections')) return;
      if (child.exitCode !== null) break;
      await pause(READY_EVERY_MS);
    }
    throw new Error(`redis-server did not start: ${output}`);
  }

  /** As a crash of its process. */
  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.kill('SIGKILL');
    await gone;
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

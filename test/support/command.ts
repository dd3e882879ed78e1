/** Runs a program to its end and gives its output; a program that hangs is killed. */
import { spawn } from 'node:child_process';

export interface CommandResult {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export function run(
  command: string,
  args: readonly string[],
  options: { input?: string | Buffer; timeoutMs?: number; env?: Record<string, string>; cwd?: string } = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const stdout: Buffer[] = [];
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-20_000);
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 60_000);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (status) => {
      clearTimeout(timer);
      resolve({ status, stdout: Buffer.concat(stdout), stderr });
    });
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}

/** Like `run`, but a program that fails throws with what it said. */
export async function mustRun(...args: Parameters<typeof run>): Promise<CommandResult> {
  const result = await run(...args);
  if (result.status !== 0) {
    const said = `${result.stderr}\n${result.stdout.toString().slice(-4000)}`;
    throw new Error(`${args[0]} ${args[1].join(' ').slice(0, 300)} ended with ${result.status}: ${said.trim()}`);
  }
  return result;
}

export async function exists(command: string): Promise<boolean> {
  const { status } = await run('sh', ['-c', `command -v ${command}`]);
  return status === 0;
}

/** Installs a Debian package when this machine can; whoever needs it finds out whether it could. */
export async function installPackage(debianPackage: string): Promise<void> {
  if (process.getuid?.() !== 0 || !(await exists('apt-get'))) return;
  await run('apt-get', ['update', '-qq'], { timeoutMs: 300_000 });
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', debianPackage], {
    timeoutMs: 300_000,
    env: { DEBIAN_FRONTEND: 'noninteractive' },
  });
}

/** Installs what a command comes with when it is missing; returns whether the command is there afterwards. */
export async function ensureCommand(command: string, debianPackage: string): Promise<boolean> {
  if (await exists(command)) return true;
  await installPackage(debianPackage);
  return exists(command);
}

/**
 * Whether a Redis keeps what it acknowledged. An offset must stay taken once an append was answered, so there is one
 * Redis (a replica that takes over may lack the last writes), it syncs before it answers, and it evicts nothing.
 */
import { BrokerError } from '../../std/mod.ts';

export interface RedisSettings {
  readonly mode: string | undefined;
  readonly role: string | undefined;
  readonly appendonly: string | undefined;
  readonly appendfsync: string | undefined;
  readonly 'maxmemory-policy': string | undefined;
}

const NEEDED = { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' } as const;

/** What is wrong, each with what to set; empty when the store is safe there. */
export function settingsProblems(settings: RedisSettings): string[] {
  const problems: string[] = [];
  if (settings.mode !== 'standalone') {
    problems.push(`it runs in ${settings.mode ?? 'an unknown'} mode; use one standalone server (cluster-enabled no)`);
  }
  if (settings.role !== 'master') problems.push(`it is a ${settings.role ?? 'unknown'}; use the master itself`);
  for (const [name, needed] of Object.entries(NEEDED)) {
    const actual = settings[name as keyof typeof NEEDED];
    if (actual !== needed) problems.push(`${name} is ${actual ?? 'hidden'}; set "${name} ${needed}"`);
  }
  return problems;
}

export function checkSettings(settings: RedisSettings): void {
  const problems = settingsProblems(settings);
  if (problems.length === 0) return;
  throw new BrokerError('config.invalid', `this Redis may lose metadata that it acknowledged: ${problems.join('; ')}`, {
    context: { problems },
  });
}

/** The value of a field in what INFO answers. */
export function infoField(info: string, field: string): string | undefined {
  return new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(info)?.[1];
}

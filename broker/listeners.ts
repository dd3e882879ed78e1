/**
 * Listeners out of Kafka's configs: where to bind, what to tell clients, and the control listener on a port of its
 * own.
 */
import type { BrokerConfig } from './config/mod.ts';
import { CONTROL_LISTENER } from './membership/mod.ts';
import { BrokerError } from './std/mod.ts';

export interface ListenerPlan {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly isControl: boolean;
  readonly advertisedHost: string;
  readonly advertisedPort: number;
}

interface Address {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** `NAME://host:port`; the host may be empty (all addresses) or an IPv6 address in brackets. */
export function parseListener(text: string): Address {
  const match = /^([A-Za-z0-9_-]+):\/\/(\[[0-9a-fA-F:.%]+\]|[^:/[\]]*):(\d+)$/.exec(text.trim());
  if (match === null || Number(match[3]) > 65535) {
    throw new BrokerError(
      'config.invalid',
      `'${text}' is not a listener; write NAME://host:port, as in PLAINTEXT://:9092`,
    );
  }
  return {
    name: (match[1] as string).toUpperCase(),
    host: (match[2] as string).replace(/^\[|\]$/g, ''),
    port: Number(match[3]),
  };
}

export function planListeners(config: BrokerConfig): ListenerPlan[] {
  const bound = config.list('listeners').map(parseListener);
  const advertised = new Map(
    config
      .list('advertised.listeners')
      .map(parseListener)
      .map((each) => [each.name, each]),
  );
  const names = bound.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new BrokerError('config.invalid', `listeners names ${twice} more than once`);
  for (const name of advertised.keys()) {
    if (!names.includes(name)) {
      throw new BrokerError('config.invalid', `advertised.listeners names ${name}, which is not in listeners`);
    }
  }
  const controllerNames = new Set(config.list('controller.listener.names').map((name) => name.toUpperCase()));
  const plans = bound.map(({ name, host, port }): ListenerPlan => {
    const told = advertised.get(name);
    return {
      name,
      host: host === '' ? '::' : host,
      port,
      isControl: name === CONTROL_LISTENER || controllerNames.has(name),
      advertisedHost: told?.host ?? (host === '' || host === '0.0.0.0' || host === '::' ? 'localhost' : host),
      advertisedPort: told?.port ?? port,
    };
  });
  if (plans.some(({ isControl }) => isControl)) return plans;
  const control = { name: CONTROL_LISTENER, host: '127.0.0.1', port: 0, isControl: true };
  return [...plans, { ...control, advertisedHost: '127.0.0.1', advertisedPort: 0 }];
}

/** The secret of the control listener, out of the configuration: in a file, as a mounted one is, or as a value. */
import type { BrokerConfig } from './config/mod.ts';
import type { ListenerPlan } from './listeners.ts';
import { ControlSecret } from './security/mod.ts';
import { BrokerError, type Disk } from './std/mod.ts';

const FILE_KEY = 'ottla.control.secret.file';
const VALUE_KEY = 'ottla.control.secret';
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;

/**
 * Undefined where none is set and only this machine reaches the control listener. Throws BrokerError `config.invalid`
 * where others reach it: whoever speaks there can take partitions over.
 */
export function readControlSecret(
  config: BrokerConfig,
  disk: Disk,
  listeners: readonly ListenerPlan[],
): ControlSecret | undefined {
  const values = config.staticValues();
  const file = values.get(FILE_KEY);
  if (file !== undefined) {
    try {
      return new ControlSecret(disk.readFile(file).toString('utf8').trim());
    } catch (error) {
      if (error instanceof BrokerError) throw error;
      throw new BrokerError('config.invalid', `${FILE_KEY}: ${file} cannot be read`, { cause: error });
    }
  }
  const value = values.get(VALUE_KEY);
  if (value !== undefined) return new ControlSecret(value);
  const open = listeners.find(({ isControl, host }) => isControl && !LOOPBACK.test(host));
  if (open === undefined) return undefined;
  throw new BrokerError(
    'config.invalid',
    `the control listener ${open.name} can be reached from other machines (${open.host}:${open.port}): set ` +
      `${FILE_KEY} to a file with a secret of at least 16 characters that all brokers of the cluster share`,
  );
}

/** What generated codecs throw when they are asked for what a version does not have. */
import { BrokerError } from '../std/mod.ts';

export function unsupportedVersion(message: string, version: number): BrokerError {
  return new BrokerError('protocol.malformed', `${message} has no version ${version}`, { context: { version } });
}

export function unsupportedField(message: string, field: string, version: number): BrokerError {
  return new BrokerError('protocol.malformed', `version ${version} of ${message} cannot carry this value of ${field}`, {
    context: { version },
  });
}

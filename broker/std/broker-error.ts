/**
 * Something outside this process went wrong: a disk, a peer, a store. Expected, handled by whoever can retry, and shown
 * to an operator with enough context to act. Codes appear in logs and runbooks, so they are never renamed.
 */
export type BrokerErrorCode =
  | 'config.invalid'
  | 'data.foreign'
  | 'data.locked'
  | 'disk.failed'
  | 'log.corrupt'
  | 'log.full'
  | 'log.offline'
  | 'net.closed'
  | 'net.frameTooLarge'
  | 'net.refused'
  | 'net.timeout'
  | 'operator.deposed'
  | 'protocol.malformed'
  | 'record.invalid'
  | 'store.conflict'
  | 'store.fenced'
  | 'store.tooLarge'
  | 'store.tooNew'
  | 'store.unavailable'
  | 'store.wentBack';

export class BrokerError extends Error {
  override readonly name = 'BrokerError';
  readonly code: BrokerErrorCode;
  readonly retriable: boolean;
  readonly context: Readonly<Record<string, unknown>>;

  constructor(
    code: BrokerErrorCode,
    message: string,
    options: { retriable?: boolean; cause?: unknown; context?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retriable = options.retriable ?? false;
    this.context = options.context ?? {};
  }
}

/** What the store asks of a Redis client; `client.ts` has the real one, tests put faults in between. */
export interface RedisConnection {
  /** Grows with every connection that was made: another server, or other settings, may be behind the next one. */
  readonly connections: number;
  /** Strings in answers are bytes. Rejects when there is no answer; the command may have taken effect then. */
  call(command: string, ...args: readonly (string | number | Buffer)[]): Promise<unknown>;
  /** Calls `heard` for every message of the channel, and whenever messages may have been missed. */
  subscribe(channel: string, heard: () => void): () => void;
  close(): void;
}

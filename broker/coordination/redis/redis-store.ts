/**
 * The store in one Redis, for brokers on plain machines. Each operation is a script, which Redis runs whole and alone;
 * the head counter, which trimming never touches, says which offsets are taken.
 */
import { BrokerError, type Clock } from '../../std/mod.ts';
import { LeaseElection } from '../lease-election.ts';
import {
  type CoordinationStore,
  checkBatchSize,
  type Lease,
  offsetConflict,
  type Snapshot,
  type SnapshotName,
  type StoredBatch,
  snapshotConflict,
  unavailable,
} from '../store.ts';
import { unlimitedBudget } from '../write-budget.ts';
import type { RedisConnection } from './connection.ts';
import { APPEND, READ, READ_SNAPSHOT, SWAP_LEASE, TRIM, WRITE_SNAPSHOT } from './scripts.ts';
import { checkSettings, infoField, type RedisSettings } from './settings.ts';

type Argument = string | number | Buffer;

export class RedisStore implements CoordinationStore {
  readonly writeBudget = unlimitedBudget;
  private readonly redis: RedisConnection;
  private readonly prefix: string;
  readonly leases: LeaseElection;
  /** The connection on which the settings were found to be good. */
  private checkedConnection = -1;

  constructor(options: { readonly redis: RedisConnection; readonly clock: Clock; readonly prefix: string }) {
    this.redis = options.redis;
    this.prefix = options.prefix;
    this.leases = new LeaseElection(
      {
        read: () => this.currentLease(),
        swap: async (from, { holder, epoch, durationMs }) => {
          const terms = [from?.version ?? '', holder, epoch, durationMs];
          const lease = leaseOf(await this.run(SWAP_LEASE, ['lease'], [...terms, this.channel]));
          if (lease === undefined) throw unavailable('the lease vanished while it was taken');
          return lease;
        },
      },
      options.clock,
    );
  }

  private get channel(): string {
    return this.key('changes');
  }

  private key(name: string): string {
    return `${this.prefix}:${name}`;
  }

  /** A Redis that was started again may have other settings, or be another Redis. */
  private async checkServer(): Promise<void> {
    const { connections } = this.redis;
    if (connections === this.checkedConnection) return;
    const server = String(await this.redis.call('INFO', 'server'));
    const replication = String(await this.redis.call('INFO', 'replication'));
    const config = async (name: string): Promise<string | undefined> => {
      const [, value] = (await this.redis.call('CONFIG', 'GET', name).catch(() => [])) as Buffer[];
      return value?.toString();
    };
    const settings: RedisSettings = {
      mode: infoField(server, 'redis_mode'),
      role: infoField(replication, 'role'),
      appendonly: await config('appendonly'),
      appendfsync: await config('appendfsync'),
      'maxmemory-policy': await config('maxmemory-policy'),
    };
    checkSettings(settings);
    this.checkedConnection = connections;
  }

  private async run(script: string, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    try {
      await this.checkServer();
      return await this.redis.call('EVAL', script, keys.length, ...keys.map((name) => this.key(name)), ...args);
    } catch (error) {
      if (error instanceof BrokerError) throw error;
      throw unavailable('Redis did not answer', error);
    }
  }

  private async currentLease(): Promise<Lease | undefined> {
    // A swap from a version that never was changes nothing and tells what is there.
    return leaseOf(await this.run(SWAP_LEASE, ['lease'], ['none', '', 0, 0, this.channel]));
  }

  // ---- log

  async append(offset: number, payload: Buffer): Promise<void> {
    checkBatchSize(payload);
    const head = Number(await this.run(APPEND, ['head', 'batches'], [offset, payload, this.channel]));
    if (head >= 0) throw offsetConflict(offset, head);
  }

  private async look(offset: number, max: number): Promise<{ head: number; floor: number; payloads: Buffer[] }> {
    const found = (await this.run(READ, ['head', 'batches', 'floor'], [offset, max])) as (number | Buffer)[];
    const [head, floor, ...payloads] = found;
    return { head: Number(head), floor: Number(floor), payloads: payloads as Buffer[] };
  }

  async read(offset: number, max: number): Promise<StoredBatch[]> {
    const { head, floor, payloads } = await this.look(offset, max);
    if (offset < floor) throw offsetConflict(offset, head);
    if (payloads.length === 0 && offset < head && max > 0) throw offsetConflict(offset, head);
    return payloads.map((payload, at) => ({ offset: offset + at, payload }));
  }

  async end(): Promise<number> {
    return (await this.look(0, 0)).head;
  }

  watch(changed: () => void): () => void {
    return this.redis.subscribe(this.channel, changed);
  }

  async trim(offset: number): Promise<void> {
    await this.run(TRIM, ['batches', 'floor'], [offset]);
  }

  // ---- snapshots

  async writeSnapshot(snapshot: Snapshot): Promise<void> {
    const { offset, controllerEpoch, chunks } = snapshot;
    const keys = ['snapshot', 'snapshot:chunks', 'previous', 'previous:chunks'];
    const present = (await this.run(WRITE_SNAPSHOT, keys, [offset, controllerEpoch, ...chunks])) as Buffer | null;
    if (present !== null) throw snapshotConflict(snapshot, snapshotName(present));
  }

  async readSnapshot(): Promise<Snapshot | undefined> {
    const [name, ...chunks] = (await this.run(READ_SNAPSHOT, ['snapshot', 'snapshot:chunks'], [])) as Buffer[];
    return name === undefined ? undefined : { ...snapshotName(name), chunks };
  }

  async close(): Promise<void> {
    this.redis.close();
  }
}

function leaseOf(fields: unknown): Lease | undefined {
  const [holder, epoch, durationMs, version] = (fields as (Buffer | null)[]).map((field) => field?.toString());
  if (version === undefined) return undefined;
  return { holder: holder ?? '', epoch: Number(epoch), durationMs: Number(durationMs), version };
}

function snapshotName(name: Buffer): SnapshotName {
  const [offset, controllerEpoch] = name.toString().split(' ').map(Number);
  return { offset: offset as number, controllerEpoch: controllerEpoch as number };
}

/**
 * The coordination store is away for minutes: `npm run chaos -- --outage MINUTES [--store redis]`.
 *
 * What needs no decision must go on as if nothing were: produce with acks=all, fetch, commits of offsets, groups that
 * members join and leave, new connections. No request may fail, and each kind should take at most twice as long as
 * just before, at the 99th percentile.
 */
import { renameSync, rmSync } from 'node:fs';
import { defineCall, KafkaConnection } from '../../broker/protocol/connection/mod.ts';
import { writeJoinGroupRequest } from '../../broker/protocol/generated/join-group-request.ts';
import { readJoinGroupResponse } from '../../broker/protocol/generated/join-group-response.ts';
import { writeLeaveGroupRequest } from '../../broker/protocol/generated/leave-group-request.ts';
import { readLeaveGroupResponse } from '../../broker/protocol/generated/leave-group-response.ts';
import { writeSyncGroupRequest } from '../../broker/protocol/generated/sync-group-request.ts';
import { readSyncGroupResponse } from '../../broker/protocol/generated/sync-group-response.ts';
import { buildBatch, ErrorCode, errorName } from '../../broker/protocol/mod.ts';
import { RedisServer } from '../stores/redis-server.ts';
import * as calls from '../support/calls.ts';
import { pause } from '../support/real-world.ts';
import { ensure, type Tally } from '../support/tally.ts';
import { PARTITIONS, TOPIC } from './broker-group.ts';
import { type Address, ChaosClient, runtime } from './client.ts';
import { Cluster } from './cluster.ts';
import { quantile } from './gap-meter.ts';

const BEFORE_MS_MAX = 60_000;
const WARM_UP_MS = 5000;
const PACE_MS = 20;
const GROUP = 'outage';
const RATIO_MAX = 2;
/** Versions that let a member join at once, and name the topic. */
const JOIN_VERSION = 3;
const SYNC_VERSION = 2;
const LEAVE_VERSION = 2;
const PROTOCOL = 'range';

const joinCall = defineCall(11, writeJoinGroupRequest, readJoinGroupResponse);
const leaveCall = defineCall(13, writeLeaveGroupRequest, readLeaveGroupResponse);
const syncCall = defineCall(14, writeSyncGroupRequest, readSyncGroupResponse);

type Operation = (client: ChaosClient, turn: number) => Promise<void>;

function mustBeNone(errorCode: number | undefined): void {
  if (errorCode !== ErrorCode.NONE) throw new Error(errorName(errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR));
}

async function coordinatorOf(client: ChaosClient, group: string): Promise<number> {
  const request = { keyType: 0, coordinatorKeys: [group] };
  const { coordinators } = await client.ask(1, calls.findCoordinatorCall, 4, request);
  mustBeNone(coordinators[0]?.errorCode);
  return coordinators[0]?.nodeId ?? -1;
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  async 'produce, acks=all'(client, turn) {
    const index = turn % PARTITIONS;
    // As old as it says it is, it would fall to retention.
    const timestamp = runtime.clock.nowMs();
    const records = buildBatch({ records: [{ timestamp, key: null, value: Buffer.from(`${turn}`.padEnd(100)) }] });
    const { responses } = await client.ask(client.leaderOf(index), calls.produceCall, 12, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: TOPIC, partitionData: [{ index, records }] }],
    });
    mustBeNone(responses[0]?.partitionResponses[0]?.errorCode);
  },
  async fetch(client, turn) {
    const partition = turn % PARTITIONS;
    const { responses } = await client.ask(client.leaderOf(partition), calls.fetchCall, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1024,
      topics: [{ topic: TOPIC, partitions: [{ partition, fetchOffset: 0, partitionMaxBytes: 1024 }] }],
    });
    mustBeNone(responses[0]?.partitions[0]?.errorCode);
  },
  async 'offset commit'(client, turn) {
    const { topics } = await client.ask(await coordinatorOf(client, GROUP), calls.offsetCommitCall, 9, {
      groupId: GROUP,
      memberId: '',
      generationIdOrMemberEpoch: -1,
      topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, committedOffset: turn, committedMetadata: '' }] }],
    });
    mustBeNone(topics[0]?.partitions[0]?.errorCode);
  },
  async 'join, sync and leave a group'(client, turn) {
    const groupId = `${GROUP}-${turn % 16}`;
    const coordinator = await coordinatorOf(client, groupId);
    const joined = await client.ask(coordinator, joinCall, JOIN_VERSION, {
      groupId,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: PROTOCOL, metadata: Buffer.from([0, 1, 0, 0, 0, 0, 0, 0, 0, 0]) }],
    });
    mustBeNone(joined.errorCode);
    const { memberId, generationId } = joined;
    const assignments = [{ memberId, assignment: Buffer.from('all of it') }];
    const synced = await client.ask(coordinator, syncCall, SYNC_VERSION, {
      groupId,
      generationId,
      memberId,
      assignments,
    });
    mustBeNone(synced.errorCode);
    const left = await client.ask(coordinator, leaveCall, LEAVE_VERSION, { groupId, memberId, members: [] });
    mustBeNone(left.errorCode);
  },
  async 'connect and ask for metadata'(client, turn) {
    const addresses = [...client.addresses.values()];
    const address = addresses[turn % addresses.length] as Address;
    const connection = await KafkaConnection.open({ runtime, ...address, clientId: 'newcomer' });
    try {
      const request = { topics: [{ name: TOPIC }], allowAutoTopicCreation: false };
      mustBeNone((await connection.request(calls.metadataCall, 12, request)).topics[0]?.errorCode);
    } finally {
      connection.close();
    }
  },
};

type Samples = ReadonlyMap<string, number[]>;

function emptySamples(): Samples {
  return new Map(Object.keys(OPERATIONS).map((name) => [name, []]));
}

/** All operations side by side, each again and again, one at a time. */
class SteadyLoad {
  readonly failures: string[] = [];
  private took = emptySamples();
  private readonly running: Promise<void>[];
  private readonly clients: ChaosClient[] = [];
  private isStopping = false;

  constructor(addresses: ReadonlyMap<number, Address>) {
    this.running = Object.entries(OPERATIONS).map(([name, operation]) => {
      const client = new ChaosClient({ clientId: 'chaos-outage', topic: TOPIC, addresses });
      this.clients.push(client);
      return this.repeat(name, operation, client);
    });
  }

  private async repeat(name: string, operation: Operation, client: ChaosClient): Promise<void> {
    await client.lookAgain();
    for (let turn = 0; !this.isStopping; turn++) {
      const startedMs = runtime.clock.monotonicMs();
      try {
        await operation(client, turn);
        this.took.get(name)?.push(runtime.clock.monotonicMs() - startedMs);
      } catch (error) {
        this.failures.push(`${name}: ${(error as Error).message}`);
      }
      await pause(PACE_MS);
    }
  }

  /** What every operation took since this was asked last, in ms. */
  take(): Samples {
    const { took } = this;
    this.took = emptySamples();
    return took;
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    await Promise.all(this.running);
    for (const client of this.clients) client.close();
  }
}

export async function sufferOutage(tally: Tally, minutes: number, store: string): Promise<void> {
  const outageMs = minutes * 60_000;
  const redis = store === 'redis' ? await RedisServer.start() : undefined;
  const overrides = { 'group.initial.rebalance.delay.ms': '0', 'offsets.topic.replication.factor': '3' };
  const cluster = await Cluster.start({ isProxied: false, overrides, redisUrl: redis?.url });
  const awayFolder = `${cluster.storeFolder}-away`;
  try {
    await tally.check(`the store is away for ${minutes} minutes, and no request fails`, async () => {
      const load = new SteadyLoad(cluster.group.addresses);
      await pause(WARM_UP_MS);
      // What a first consumer meets until the offsets topic is there is no matter of the store's.
      load.failures.length = 0;
      load.take();
      await pause(Math.min(BEFORE_MS_MAX, outageMs));
      const before = load.take();
      if (redis === undefined) renameSync(cluster.storeFolder, awayFolder);
      else await redis.kill();
      await pause(outageMs);
      const during = load.take();
      if (redis === undefined) {
        // Brokers may have made a new folder, which holds nothing.
        rmSync(cluster.storeFolder, { recursive: true, force: true });
        renameSync(awayFolder, cluster.storeFolder);
      } else await redis.start();
      await cluster.group.settled();
      await load.stop();
      process.stdout.write(`\n${report(before, during)}\n\n`);
      ensure(load.failures.length === 0, load.failures.slice(0, 10).join('\n'));
    });
  } finally {
    await cluster.close();
    cluster.removeFolder();
    await redis?.close();
  }
}

function report(before: Samples, during: Samples): string {
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  const rows = Object.keys(OPERATIONS).map((name) => {
    const [was, is] = [before.get(name) ?? [], during.get(name) ?? []];
    const [wasMs, isMs] = [quantile(was, 0.99), quantile(is, 0.99)];
    const ratio = isMs / wasMs;
    const verdict = ratio <= RATIO_MAX ? '' : ' MISSED';
    return `${name} | ${is.length} | ${ms(wasMs)} | ${ms(isMs)} | ${ratio.toFixed(2)}x${verdict}`;
  });
  return ['request | times | p99 before | p99 without the store | ratio', '---|---|---|---|---', ...rows].join('\n');
}

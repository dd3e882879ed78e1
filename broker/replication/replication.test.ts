/**
 * Brokers that replicate to each other, on a simulated clock, network and disks: the scenarios that KIPs were written
 * for.
 */
import { afterEach, expect, test } from 'vitest';
import type { Produced, SimNode } from '../../test/support/replicas/sim-node.ts';
import { SimReplicas, type SimReplicasOptions } from '../../test/support/replicas/sim-replicas.ts';
import { ErrorCode } from '../protocol/mod.ts';

let cluster: SimReplicas;
const T = 't';

async function start(options: SimReplicasOptions = {}): Promise<[SimNode, SimNode, SimNode]> {
  cluster = await SimReplicas.start({ minInSyncReplicas: 2, ...options });
  cluster.controller.createTopic(T, { replicas: cluster.nodes.map(({ id }) => id) });
  await cluster.converge(T);
  return [cluster.node(1), cluster.node(2), cluster.node(cluster.nodes.length)];
}

afterEach(() => cluster.close());

function produceAll(node: SimNode, ...values: string[]): Promise<Produced[]> {
  return cluster.until(Promise.all(values.map((value) => node.produce(T, 0, value))));
}

/** Starts a produce and lets a little time pass; the answer is there when it came. */
async function begin(node: SimNode, value: string, ms = 20): Promise<{ answer?: Produced }> {
  const pending: { answer?: Produced } = {};
  void node.produce(T, 0, value).then((answer) => {
    pending.answer = answer;
  });
  await cluster.advance(ms);
  return pending;
}

/**
 * Node 3 was away, lacks nothing any more, and is proposed; the controller cannot be reached and knows nothing of it.
 */
async function openProposal(leader: SimNode, three: SimNode): Promise<void> {
  three.pause();
  cluster.controller.fence(3);
  await produceAll(leader, 'a');
  cluster.controller.isReachable = false;
  three.resume();
  cluster.controller.unfence(3);
  await cluster.waitFor(() => leader.replica(T).pendingChange?.kind === 'expand', 'the leader to propose node 3');
}

async function expectEqualLogs(...nodes: SimNode[]): Promise<Buffer> {
  const [first, ...others] = nodes;
  const bytes = await cluster.bytes(first as SimNode, T);
  for (const node of others) expect((await cluster.bytes(node, T)).equals(bytes), `log of node ${node.id}`).toBe(true);
  return bytes;
}

test('what the leader appends is on every replica, byte for byte, and committed', async () => {
  const [one, two, three] = await start();
  const produced = await produceAll(one, 'a', 'b', 'c');
  expect(produced.map(({ errorCode, offset }) => [errorCode, offset])).toEqual([
    [ErrorCode.NONE, 0],
    [ErrorCode.NONE, 1],
    [ErrorCode.NONE, 2],
  ]);
  await cluster.converge(T);
  expect((await expectEqualLogs(one, two, three)).length).toBeGreaterThan(0);
});

test('a record is committed one round trip after it was written, not when a long poll ends', async () => {
  const [one] = await start();
  await cluster.advance(2_000);
  const startedMs = cluster.clock.monotonicMs();
  await produceAll(one, 'a');
  // Answer, next request: two messages of at most 2 ms each.
  expect(cluster.clock.monotonicMs() - startedMs).toBeLessThan(10);
});

test('the next leader has all that was acknowledged, and the old one comes back as a follower', async () => {
  const [one, two, three] = await start();
  await produceAll(one, 'a', 'b');
  one.kill();
  cluster.controller.fence(1);
  await cluster.waitFor(() => two.replica(T).isLeader, 'node 2 to lead');
  const [produced] = await produceAll(two, 'c');
  expect(produced).toMatchObject({ errorCode: ErrorCode.NONE, offset: 2 });
  await cluster.until(one.start());
  await cluster.converge(T);
  await expectEqualLogs(one, two, three);
  expect(cluster.controller.partition(T).inSyncReplicas.toSorted()).toEqual([1, 2, 3]);
});

// KIP-101, first case (R3): a follower that truncated to its own high watermark lost what it had fetched but not yet
// been told to be committed, and then led without it.
test('a follower that restarts behind its high watermark keeps what it has, and leads with it', async () => {
  const [one, two] = await start({ nodes: 2 });
  await produceAll(one, 'a');
  await cluster.converge(T);
  // Acknowledged, but the answer that would tell node 2 of the high watermark has not come yet.
  const [produced] = await produceAll(one, 'b');
  expect(produced?.errorCode).toBe(ErrorCode.NONE);
  expect(two.replica(T).highWatermark).toBe(1);
  two.kill();
  one.kill();
  cluster.controller.fence(1);
  await cluster.until(two.start());
  // It is the one in-sync replica that is left, and knows no higher watermark than it had on disk.
  cluster.controller.elect(T, 0, 2, { isUnclean: true });
  await cluster.waitFor(() => two.replicas.get(T, 0)?.isLeader === true, 'node 2 to lead');
  expect(two.replica(T).logEndOffset).toBe(2);
  await cluster.until(one.start());
  await cluster.converge(T);
  await expectEqualLogs(one, two);
});

// KIP-101, second case (R4): both lose power, and the one with the shorter log comes back first and leads.
test('logs that parted at the same offset are made equal again by their epochs', async () => {
  const [one, two] = await start({ nodes: 2, minInSyncReplicas: 1 });
  await produceAll(one, 'a');
  await cluster.converge(T);
  cluster.network.cutLink(one.owner, two.owner);
  await begin(one, 'only on one');
  one.kill();
  cluster.controller.fence(1);
  await cluster.waitFor(() => two.replica(T).isLeader, 'node 2 to lead');
  const [other] = await produceAll(two, 'only on two');
  expect(other).toMatchObject({ errorCode: ErrorCode.NONE, offset: 1 });
  cluster.network.heal();
  await cluster.until(one.start());
  await cluster.converge(T);
  const bytes = await expectEqualLogs(one, two);
  expect(bytes.includes('only on two')).toBe(true);
  expect(bytes.includes('only on one')).toBe(false);
});

// KIP-279 (R5): two fast changes of the leader leave tails of epochs that the next leader never had.
test('tails of epochs that the leader never had are cut off, epoch by epoch', async () => {
  const [one, two, three] = await start({ minInSyncReplicas: 1 });
  await produceAll(one, 'a');
  await cluster.converge(T);
  const isolate = (): void => {
    cluster.network.cutLink(one.owner, two.owner);
    cluster.network.cutLink(one.owner, three.owner);
    cluster.network.cutLink(two.owner, three.owner);
  };
  isolate();
  await begin(one, 'epoch 0 at 1');
  await begin(one, 'epoch 0 at 2');
  cluster.controller.elect(T, 0, 2);
  await cluster.waitFor(() => two.replica(T).isLeader, 'node 2 to lead');
  await begin(two, 'epoch 1 at 1');
  await begin(two, 'epoch 1 at 2');
  await begin(two, 'epoch 1 at 3');
  cluster.controller.elect(T, 0, 1);
  await cluster.waitFor(() => one.replica(T).isLeader, 'node 1 to lead again');
  await begin(one, 'epoch 2 at 3');
  cluster.controller.elect(T, 0, 3);
  await cluster.waitFor(() => three.replica(T).isLeader, 'node 3 to lead');
  const committed = begin(three, 'epoch 3 at 1');
  cluster.network.heal();
  await cluster.until(committed);
  await cluster.converge(T);
  const bytes = await expectEqualLogs(three, one, two);
  for (const tail of ['epoch 0', 'epoch 1', 'epoch 2']) expect(bytes.includes(tail), tail).toBe(false);
});

test('a leader that wrote nothing in its term follows the next one without end', async () => {
  const [one, two, three] = await start();
  await produceAll(one, 'a');
  cluster.controller.elect(T, 0, 2);
  await cluster.waitFor(() => two.replica(T).isLeader, 'node 2 to lead');
  cluster.network.cutLink(two.owner, one.owner);
  cluster.network.cutLink(two.owner, three.owner);
  cluster.controller.elect(T, 0, 3);
  cluster.network.heal();
  await cluster.converge(T);
  await produceAll(three, 'b');
  await cluster.converge(T);
  await expectEqualLogs(one, two, three);
});

test('a follower is cut where the logs part, not at the high watermark that it knows', async () => {
  const [one, two, three] = await start();
  await produceAll(one, 'a');
  await cluster.converge(T);
  await produceAll(one, 'b');
  expect(two.replica(T).highWatermark).toBe(1);
  cluster.controller.elect(T, 0, 2);
  cluster.network.cutLink(two.owner, one.owner);
  cluster.network.cutLink(two.owner, three.owner);
  await cluster.waitFor(() => two.replica(T).isLeader, 'node 2 to lead');
  await begin(two, 'tail');
  expect(two.replica(T).logEndOffset).toBe(3);
  cluster.controller.elect(T, 0, 3);
  await cluster.waitFor(() => three.replica(T).isLeader, 'node 3 to lead');
  cluster.network.heal();
  let lowest = 3;
  await cluster.waitFor(() => {
    lowest = Math.min(lowest, two.replica(T).logEndOffset);
    return cluster.controller.partition(T).inSyncReplicas.length === 3 && lowest < 3;
  }, 'node 2 to be cut');
  // 'b' was acknowledged on the strength of this replica, and it never lets go of it.
  expect(lowest).toBe(2);
  await cluster.converge(T);
  await expectEqualLogs(one, two, three);
});

test('a record that is written when the term is over is not acknowledged', async () => {
  const [one] = await start({ log: { flushMessages: 1 } });
  const replica = one.replica(T);
  const pending = one.produce(T, 0, 'staged');
  const state = { ...cluster.controller.partition(T), leader: 2, leaderEpoch: 1, partitionEpoch: 1 };
  void replica.updateState(state, 2);
  expect((await cluster.until(pending)).errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
});

test('what a leader of an older epoch sent is not appended', async () => {
  const [one, two] = await start();
  await produceAll(one, 'a');
  await cluster.converge(T);
  const replica = two.replica(T);
  const records = await cluster.bytes(one, T);
  const state = { ...cluster.controller.partition(T), leader: 3, leaderEpoch: 1, partitionEpoch: 1 };
  void replica.updateState(state, 2);
  const answer = new Promise<number>((resolve) => {
    replica.appendFetched({ leaderEpoch: 0, records, highWatermark: 9, logStartOffset: 0 }, resolve);
  });
  expect(await answer).toBe(ErrorCode.FENCED_LEADER_EPOCH);
});

// R2, KIP-320: a leader that clients reach and followers do not.
test('a leader cut off from its followers acknowledges nothing, and what was is there when it returns', async () => {
  const [one, two, three] = await start();
  await produceAll(one, 'a');
  cluster.network.cutLink(one.owner, two.owner);
  cluster.network.cutLink(one.owner, three.owner);
  const lost = await begin(one, 'never acknowledged', 2_000);
  expect(lost.answer).toBeUndefined();
  cluster.controller.elect(T, 0, 2);
  await cluster.waitFor(() => two.replica(T).isLeader, 'node 2 to lead');
  await produceAll(two, 'b');
  cluster.network.heal();
  await cluster.converge(T);
  expect(lost.answer?.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  const bytes = await expectEqualLogs(one, two, three);
  expect(bytes.includes('never acknowledged')).toBe(false);
});

// L1: a leader stops, is replaced, and wakes with a backlog of produces before it hears of it.
test('a leader that wakes from a pause acknowledges none of what waited for it', async () => {
  const [one, two, three] = await start({ metadataDelayMs: (nodeId) => (nodeId === 1 ? 300 : 1) });
  await produceAll(one, 'a');
  one.pause();
  cluster.controller.fence(1);
  await cluster.waitFor(() => two.replica(T).isLeader, 'node 2 to lead');
  await produceAll(two, 'b');
  one.resume();
  const stale = await Promise.all(Array.from({ length: 20 }, (_, i) => begin(one, `stale ${i}`, 1)));
  expect(one.replica(T).isLeader).toBe(true);
  cluster.controller.unfence(1);
  await cluster.converge(T);
  for (const { answer } of stale) expect(answer?.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  expect((await expectEqualLogs(one, two, three)).includes('stale')).toBe(false);
});

// R6: a follower sleeps through a change of the leader, and its old request is answered by an old epoch's error.
test('a follower that slept through an epoch rejoins only with what the new leader has', async () => {
  const [one, two, three] = await start();
  await produceAll(one, 'a');
  three.pause();
  cluster.controller.fence(3);
  cluster.controller.elect(T, 0, 2);
  await cluster.waitFor(() => two.replica(T).isLeader, 'node 2 to lead');
  await produceAll(two, 'b', 'c');
  expect(two.replica(T).inSyncReplicas).not.toContain(3);
  three.resume();
  cluster.controller.unfence(3);
  await cluster.converge(T);
  expect(three.replica(T).logEndOffset).toBe(3);
  await expectEqualLogs(one, two, three);
});

// R8, KIP-903: between a follower's fetch and the change of the in-sync set it restarts, and may have lost what it
// fetched.
test('a follower that restarted after its fetch is not taken into the in-sync set on the strength of it', async () => {
  const [one, , three] = await start();
  // The proposal is on its way when node 3 restarts as another incarnation.
  await openProposal(one, three);
  const proposed = one.replica(T).pendingChange;
  three.powerLoss();
  const restarting = cluster.until(three.start());
  cluster.controller.isReachable = true;
  await restarting;
  await cluster.converge(T);
  expect(proposed?.newInSyncReplicas.find(({ brokerId }) => brokerId === 3)?.brokerEpoch).toBeLessThan(
    three.brokerEpoch,
  );
  expect(one.replicas.counters.failedInSyncUpdates).toBeGreaterThan(0);
});

test('a follower that shuts down is not taken into the in-sync set', async () => {
  const [one, , three] = await start();
  three.pause();
  cluster.controller.fence(3);
  await cluster.advance(50);
  cluster.controller.setShuttingDown(3, true);
  cluster.controller.unfence(3);
  three.resume();
  await produceAll(one, 'a');
  await cluster.advance(2_000);
  expect(three.replica(T).logEndOffset).toBe(1);
  expect(one.replica(T).inSyncReplicas).not.toContain(3);
  cluster.controller.setShuttingDown(3, false);
  await cluster.converge(T);
});

test('while the outcome of an expansion is unknown the added follower counts for the high watermark', async () => {
  const [one, , three] = await start();
  await openProposal(one, three);
  three.pause();
  const waiting = await begin(one, 'b', 60_000);
  expect(one.replica(T).inSyncReplicas).not.toContain(3);
  expect(one.replica(T).highWatermark).toBe(1);
  expect(waiting.answer).toBeUndefined();
  three.resume();
  await cluster.advance(100);
  expect(waiting.answer?.errorCode).toBe(ErrorCode.NONE);
  cluster.controller.isReachable = true;
  await cluster.converge(T);
});

test('metadata that the leader knows already leaves the outcome of a change open', async () => {
  const [one, , three] = await start();
  await openProposal(one, three);
  const pending = one.replica(T).pendingChange;
  three.pause();
  // Something else changed somewhere, and the image says of this partition what it said before.
  cluster.controller.publish();
  await cluster.advance(50);
  expect(one.replica(T).pendingChange).toBe(pending);
  const waiting = await begin(one, 'b', 5_000);
  expect(waiting.answer).toBeUndefined();
  three.resume();
  cluster.controller.isReachable = true;
  await cluster.converge(T);
});

test('an answer of the controller that was lost is settled by the metadata', async () => {
  const [one, , three] = await start();
  three.pause();
  cluster.controller.fence(3);
  await produceAll(one, 'a');
  let losses = 3;
  cluster.controller.fault = () => (losses-- > 0 ? 'lost answer' : undefined);
  three.resume();
  cluster.controller.unfence(3);
  await cluster.converge(T);
  await cluster.advance(50);
  expect(one.replica(T).pendingChange).toBeUndefined();
  expect(one.replica(T).inSyncReplicas.toSorted()).toEqual([1, 2, 3]);
});

test('a change that was refused because it was made already still counts until the metadata says so', async () => {
  let delayMs = 1;
  const [one, , three] = await start({
    metadataDelayMs: (nodeId) => (nodeId === 1 ? delayMs : 1),
    replication: { lagTimeMaxMs: 1_000 },
  });
  three.pause();
  cluster.controller.fence(3);
  await produceAll(one, 'a');
  three.resume();
  cluster.controller.unfence(3);
  await cluster.advance(5);
  delayMs = 10_000;
  let losses = 1;
  cluster.controller.fault = () => (losses-- > 0 ? 'lost answer' : undefined);
  await cluster.waitFor(() => cluster.controller.requests >= 2, 'the change to be asked for again');
  await cluster.advance(20);
  expect(cluster.controller.partition(T).inSyncReplicas).toContain(3);
  expect(one.replica(T).inSyncReplicas).not.toContain(3);
  three.pause();
  // Longer than a follower that is no member would be waited for.
  const waiting = await begin(one, 'b', 5_000);
  expect(waiting.answer).toBeUndefined();
  expect(one.replica(T).highWatermark).toBe(1);
  three.resume();
  await cluster.converge(T);
});

test('below min.insync.replicas the high watermark stands still, and produces are refused', async () => {
  const [one, two] = await start({ nodes: 2, replication: { lagTimeMaxMs: 1_000 } });
  await produceAll(one, 'a');
  await cluster.converge(T);
  two.pause();
  const waiting = await begin(one, 'written, and alone', 5_000);
  expect(cluster.controller.partition(T).inSyncReplicas).toEqual([1]);
  expect(waiting.answer?.errorCode).toBe(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND);
  expect(one.replica(T).highWatermark).toBe(1);
  expect(one.replica(T).isUnderMinInSync).toBe(true);
  expect((await produceAll(one, 'refused'))[0]?.errorCode).toBe(ErrorCode.NOT_ENOUGH_REPLICAS);
  two.resume();
  await cluster.converge(T);
  expect(one.replica(T).highWatermark).toBe(2);
  expect(one.replicas.counters).toMatchObject({ inSyncShrinks: 1 });
  expect(one.replicas.counters.inSyncExpands).toBe(1);
});

// A delta may hold several batches: what each of them would have allowed alone must not happen.
test('a new minimum and the members beside it take effect together', async () => {
  const [one, two, three] = await start({ nodes: 3, minInSyncReplicas: 1 });
  await produceAll(one, 'a');
  await cluster.converge(T);
  const replica = one.replica(T);
  two.pause();
  three.pause();
  const pending = await begin(one, 'of one alone', 1);
  const alone = { ...cluster.controller.partition(T), inSyncReplicas: [1], partitionEpoch: 9 };
  // Raised, and then both left: they are eligible, for nothing is committed without them.
  void replica.updateState(alone, 2);
  expect(replica.highWatermark).toBe(1);
  // Another was elected out of them, and then it was lowered.
  void replica.updateState({ ...alone, leader: 2, leaderEpoch: 1, partitionEpoch: 10 }, 1);
  await cluster.advance(1);
  expect([replica.highWatermark, pending.answer?.errorCode]).toEqual([1, ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND]);
});

test('a lowered minimum takes effect by itself', async () => {
  const [one, two, three] = await start({ nodes: 3, minInSyncReplicas: 3, replication: { lagTimeMaxMs: 1_000 } });
  await produceAll(one, 'a');
  two.pause();
  three.pause();
  await begin(one, 'of one alone', 5_000);
  const replica = one.replica(T);
  expect([replica.highWatermark, replica.logEndOffset]).toEqual([1, 2]);
  void replica.updateState(cluster.controller.partition(T), 1);
  expect(replica.highWatermark).toBe(2);
});

test('a follower that stands still leaves the in-sync set, and those that wait are answered', async () => {
  const [one, , three] = await start({ replication: { lagTimeMaxMs: 1_000 } });
  three.pause();
  const waiting = await begin(one, 'a', 400);
  expect(waiting.answer).toBeUndefined();
  await cluster.advance(2_000);
  expect(waiting.answer).toMatchObject({ errorCode: ErrorCode.NONE, offset: 0 });
  expect(cluster.controller.partition(T).inSyncReplicas).toEqual([1, 2]);
  three.resume();
  await cluster.converge(T);
});

test('an idle partition keeps its in-sync set, also when it is first written to after a long time', async () => {
  const [one] = await start({ replication: { lagTimeMaxMs: 1_000 } });
  await cluster.advance(60_000);
  expect(cluster.controller.partition(T).inSyncReplicas).toHaveLength(3);
  await produceAll(one, 'a');
  await cluster.advance(5_000);
  expect(cluster.controller.partition(T).inSyncReplicas).toHaveLength(3);
  expect(cluster.controller.requests).toBe(0);
});

test('followers delete what the leader deleted, and begin where it begins', async () => {
  const [one, two, three] = await start();
  await produceAll(one, 'a', 'b', 'c', 'd');
  await cluster.converge(T);
  one.replica(T).deleteRecordsBefore(3);
  await cluster.advance(600);
  expect([two, three].map((node) => node.replica(T).logStartOffset)).toEqual([3, 3]);
  await produceAll(one, 'e');
  expect(one.replica(T).lowWatermark).toBe(3);
});

test('records are deleted once no live replica has them', async () => {
  const [one, two, three] = await start();
  await produceAll(one, 'a', 'b', 'c', 'd');
  await cluster.converge(T);
  const answers: number[] = [];
  three.pause();
  expect(one.replica(T).deleteRecordsBefore(3)).toEqual({ errorCode: ErrorCode.NONE, target: 3 });
  one.replica(T).awaitDeleted(3, (errorCode) => answers.push(errorCode));
  await cluster.advance(2_000);
  expect(two.replica(T).logStartOffset).toBe(3);
  expect(answers).toEqual([]);
  // Idle as it is, the partition is not fetched for anything else.
  three.resume();
  await cluster.waitFor(() => answers.length > 0, 'the records to be deleted everywhere');
  expect(answers).toEqual([ErrorCode.NONE]);
  expect(one.replica(T).lowWatermark).toBe(3);
});

test('deleting records does not wait for the dead, and ends with the term of the leader', async () => {
  const [one, two, three] = await start();
  await produceAll(one, 'a', 'b', 'c', 'd');
  await cluster.converge(T);
  const answers: number[] = [];
  const deleteBefore = (offset: number): void => {
    one.replica(T).deleteRecordsBefore(offset);
    one.replica(T).awaitDeleted(offset, (errorCode) => answers.push(errorCode));
  };
  three.pause();
  deleteBefore(2);
  await cluster.advance(1_000);
  expect(answers).toEqual([]);
  cluster.controller.fence(3);
  await cluster.waitFor(() => answers.length > 0, 'the dead to be passed over');
  two.pause();
  deleteBefore(3);
  cluster.controller.elect(T, 0, 2);
  await cluster.waitFor(() => answers.length > 1, 'the end of the term to be told');
  expect(answers).toEqual([ErrorCode.NONE, ErrorCode.NOT_LEADER_OR_FOLLOWER]);
});

test('a follower whose end the leader no longer has begins anew at the start of the leader', async () => {
  const [one, two, three] = await start();
  await produceAll(one, 'a');
  await cluster.converge(T);
  three.kill();
  cluster.controller.fence(3);
  await produceAll(one, 'b', 'c', 'd');
  one.replica(T).deleteRecordsBefore(3);
  await cluster.until(three.start());
  await cluster.converge(T);
  expect(three.replica(T).logStartOffset).toBe(3);
  await expectEqualLogs(one, two, three);
});

test('a leader log that starts inside of a batch is copied from the whole batch', async () => {
  const [one, , three] = await start();
  three.kill();
  cluster.controller.fence(3);
  const { buildBatch } = await import('../protocol/mod.ts');
  const records = ['a', 'b', 'c', 'd'].map((value) => ({ timestamp: 1, key: null, value: Buffer.from(value) }));
  await cluster.until(
    new Promise<void>((resolve) => {
      one.replica(T).append(buildBatch({ records }), { origin: 'client', requiredAcks: 1 }, () => resolve());
    }),
  );
  await cluster.waitFor(() => one.replica(T).highWatermark === 4, 'the batch to be committed');
  one.replica(T).deleteRecordsBefore(2);
  await cluster.until(three.start());
  await cluster.converge(T);
  expect(three.replica(T).logStartOffset).toBe(2);
  expect((await cluster.bytes(three, T)).equals(await cluster.bytes(one, T))).toBe(true);
});

// R12, KIP-516: the topic is deleted and made again while its leader sleeps.
test('a topic made again under the same name has nothing of the old one', async () => {
  const [one, two, three] = await start();
  await produceAll(one, 'old record');
  one.pause();
  cluster.controller.fence(1);
  cluster.controller.deleteTopic(T);
  cluster.controller.createTopic(T, { replicas: [2, 3, 1] });
  cluster.controller.partition(T).inSyncReplicas = [2, 3];
  cluster.controller.publish();
  const { id } = cluster.controller.image().topicsByName.get(T) ?? {};
  await cluster.waitFor(() => two.replicas.get(T, 0)?.topicId === id, 'node 2 to lead the new topic');
  await produceAll(two, 'new record');
  one.resume();
  cluster.controller.unfence(1);
  await cluster.converge(T);
  const bytes = await expectEqualLogs(one, two, three);
  expect(bytes.includes('new record')).toBe(true);
  expect(bytes.includes('old record')).toBe(false);
});

test('a follower that lost power catches up from what is left', async () => {
  const [one, two, three] = await start();
  for (let i = 0; i < 10; i++) await produceAll(one, `record ${i}`);
  three.powerLoss();
  cluster.controller.fence(3);
  await produceAll(one, 'meanwhile');
  await cluster.until(three.start());
  await cluster.converge(T);
  await expectEqualLogs(one, two, three);
});

test('leaders that move while producers write lose nothing that was acknowledged', async () => {
  await start();
  const acknowledged: Produced[] = [];
  let next = 0;
  for (let round = 0; round < 30; round++) {
    const { leader } = cluster.controller.partition(T);
    for (let i = 0; i < 5; i++) {
      void cluster
        .node(leader)
        .produce(T, 0, `record ${next++}.`)
        .then((produced) => {
          if (produced.errorCode === ErrorCode.NONE) acknowledged.push(produced);
        });
    }
    await cluster.advance(round % 3);
    cluster.controller.elect(T, 0, (leader % 3) + 1);
    await cluster.advance(20);
  }
  await cluster.converge(T);
  const bytes = await expectEqualLogs(...cluster.nodes);
  expect(acknowledged.length).toBeGreaterThan(20);
  for (const { value } of acknowledged) expect(bytes.includes(value), value).toBe(true);
});

test('a partition whose leader moves is followed at once, past a long poll that is parked there', async () => {
  const [one, two, three] = await start({ replication: { fetchWaitMaxMs: 10_000 } });
  // Nodes 1 and 3 have a fetch parked at node 2 for another partition.
  cluster.controller.createTopic('other', { replicas: [2, 1, 3] });
  await cluster.advance(12_000);
  one.kill();
  cluster.controller.fence(1);
  await cluster.waitFor(() => two.replica(T).isLeader, 'node 2 to lead');
  const startedMs = cluster.clock.monotonicMs();
  const [produced] = await produceAll(two, 'a');
  expect(produced?.errorCode).toBe(ErrorCode.NONE);
  expect(cluster.clock.monotonicMs() - startedMs).toBeLessThan(100);
  expect(three.replica(T).logEndOffset).toBe(1);
});

test('a new replica is filled, counts as reassignment traffic, and is held back while it is throttled', async () => {
  const rates = { leader: 2_000, follower: Number.MAX_SAFE_INTEGER };
  cluster = await SimReplicas.start({
    throttle: { throttledAsLeader: 'all' },
    throttleRates: () => rates,
    replication: { fetchMaxBytes: 500 },
  });
  const [one, , three] = cluster.nodes as [SimNode, SimNode, SimNode];
  cluster.controller.createTopic(T, { replicas: [1, 2] });
  await cluster.converge(T);
  for (let i = 0; i < 40; i++) await produceAll(one, 'x'.repeat(200));
  const { sizeBytes } = one.replica(T).log;
  const startedMs = cluster.clock.monotonicMs();
  cluster.controller.setReplicas(T, 0, [1, 2, 3], [3]);
  await cluster.converge(T);
  const seconds = (cluster.clock.monotonicMs() - startedMs) / 1_000;
  expect(sizeBytes / seconds).toBeLessThan(3_000);
  expect(seconds).toBeGreaterThan(2);
  expect(three.replicas.counters.reassignmentBytesIn).toBe(sizeBytes);
  expect(one.replicas.counters.reassignmentBytesOut).toBe(sizeBytes);
});

test('a leader that heard of the end of an addition from the controller first counts the new replica', async () => {
  cluster = await SimReplicas.start({ metadataDelayMs: () => 50 });
  const [one] = cluster.nodes as [SimNode];
  cluster.controller.createTopic(T, { replicas: [1, 2] });
  await cluster.converge(T);
  cluster.controller.setReplicas(T, 0, [1, 2, 3], [3]);
  await cluster.waitFor(() => one.replica(T).inSyncReplicas.includes(3), 'the answer of the controller');
  expect(one.replica(T).isAdding(3)).toBe(true);
  await cluster.advance(100);
  expect(one.replica(T).isAdding(3)).toBe(false);
});

test('a follower that is throttled takes no more than its rate', async () => {
  const rates = { leader: Number.MAX_SAFE_INTEGER, follower: 2_000 };
  cluster = await SimReplicas.start({
    throttle: { throttledAsFollower: 'all' },
    throttleRates: () => rates,
    replication: { fetchMaxBytes: 500 },
  });
  const [one] = cluster.nodes as [SimNode, SimNode, SimNode];
  cluster.controller.createTopic(T, { replicas: [1] });
  await cluster.converge(T);
  for (let i = 0; i < 40; i++) await produceAll(one, 'x'.repeat(200));
  const startedMs = cluster.clock.monotonicMs();
  cluster.controller.setReplicas(T, 0, [1, 3], [3]);
  await cluster.converge(T);
  const seconds = (cluster.clock.monotonicMs() - startedMs) / 1_000;
  expect(one.replica(T).log.sizeBytes / seconds).toBeLessThan(3_000);
});

test('a batch larger than a fetch is replicated whole, also beside a partition that never has nothing', async () => {
  cluster = await SimReplicas.start({ nodes: 2, replication: { fetchMaxBytes: 300, fetchResponseMaxBytes: 600 } });
  cluster.controller.createTopic(T, { replicas: [1, 2], partitions: 2 });
  cluster.controller.elect(T, 1, 1);
  for (const partition of [0, 1]) await cluster.converge(T, partition);
  const [one, two] = cluster.nodes as [SimNode, SimNode];
  for (let i = 0; i < 200; i++) void one.produce(T, 0, `record ${i}`);
  const large = one.produce(T, 1, 'x'.repeat(5_000));
  expect((await cluster.until(large)).errorCode).toBe(ErrorCode.NONE);
  expect(two.replica(T, 0).logEndOffset).toBeLessThan(50);
  await cluster.converge(T, 0);
});

test('a partition that moves away takes its log with it', async () => {
  const [one, , three] = await start();
  await produceAll(one, 'a');
  cluster.controller.setReplicas(T, 0, [1, 2]);
  await cluster.advance(100);
  expect(three.replicas.get(T, 0)).toBeUndefined();
  expect(three.logs.get(T, 0)).toBeUndefined();
});

test('what an image lacks that may only have forgotten it is set aside, and what it knows is not touched', async () => {
  const [one, two] = await start();
  cluster.controller.createTopic('moved', { replicas: [1, 2, 3] });
  cluster.controller.createTopic('kept', { replicas: [1, 2, 3] });
  for (const topic of ['moved', 'kept']) await cluster.converge(topic);
  for (const topic of [T, 'moved', 'kept']) await cluster.until(one.produce(topic, 0, 'record'));
  const image = cluster.controller.image();
  cluster.controller.deleteTopic(T);
  cluster.controller.setReplicas('moved', 0, [1, 3]);
  const later = cluster.controller.image();
  await two.replicas.applyImage(later, {
    changedTopics: new Set(later.topicsByName.keys()),
    removedTopics: [...image.topicsByName.values()].filter(({ name }) => name === T),
    changedConfigs: new Set(),
    isCertain: false,
  });
  const folders = two.disk.list('/data').filter((name) => /^(t|moved|kept)-0/.test(name));
  const kinds = folders.map((name) => name.replace(/\.[0-9a-f]{32}/, '')).sort();
  expect(kinds).toEqual(['kept-0', 'moved-0-stray', `${T}-0-stray`].sort());
});

test('a log that the disk refuses is offline alone, and what is made in its place is not', async () => {
  cluster = await SimReplicas.start({ nodes: 2 });
  const [one, two] = cluster.nodes as [SimNode, SimNode];
  two.disk.makeFolder(`/data/${T}-0`);
  const mend = two.disk.inject({ operation: 'remove', path: /t-0/, kind: 'EIO' });
  cluster.controller.createTopic(T, { replicas: [1, 2], partitions: 2 });
  await cluster.converge(T, 1);
  expect(two.replicas.replicaOf(T, 0)).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  expect(two.replicas.offlineCount).toBe(1);
  // Deleted and made again meanwhile: the newest image counts.
  cluster.controller.deleteTopic(T);
  cluster.controller.createTopic(T, { replicas: [1, 2], partitions: 2 });
  mend();
  await cluster.converge(T, 0);
  expect(two.replica(T, 0).topicId).toBe(one.replica(T, 0).topicId);
  expect(two.replicas.offlineCount).toBe(0);
});

test('a log that found the disk full is filled once there is room, and others do not wait for it', async () => {
  cluster = await SimReplicas.start({ nodes: 2 });
  const two = cluster.node(2);
  const mend = two.disk.inject({ operation: 'open', path: new RegExp(`/${T}-0`), kind: 'ENOSPC' });
  cluster.controller.createTopic(T, { replicas: [1, 2], partitions: 2 });
  await cluster.converge(T, 1);
  for (const partition of [0, 1]) {
    const leader = cluster.node(cluster.controller.partition(T, partition).leader);
    void leader.produce(T, partition, 'record');
  }
  await cluster.waitFor(() => two.replica(T, 1).logEndOffset === 1, 'the other partition to be replicated');
  await cluster.advance(5_000);
  expect(two.replica(T, 0).logEndOffset).toBe(0);
  mend();
  await cluster.waitFor(() => two.replica(T, 0).logEndOffset === 1, 'the record to be replicated');
});

test('ten thousand partitions are placed in slices, and the next image does not wait for their logs', async () => {
  cluster = await SimReplicas.start({ nodes: 1 });
  const node = cluster.node(1);
  // Making a log takes its time where the remainder of another has to go first.
  for (let partition = 0; partition < 500; partition++) node.disk.makeFolder(`/data/many-${partition}`);
  node.disk.inject({ operation: 'remove', kind: 'slow', slowMs: 2 });
  cluster.controller.createTopic('first', { replicas: [1] });
  await cluster.converge('first');
  const image = cluster.controller.image();
  cluster.controller.createTopic('many', { replicas: [1], partitions: 500 });
  await cluster.waitFor(() => node.image.topicsByName.has('many'), 'the topic to be known');
  const startedMs = cluster.clock.monotonicMs();
  cluster.controller.elect('first', 0, 1);
  await cluster.waitFor(() => node.replica('first').leaderEpoch === 1, 'the election to take effect');
  expect(cluster.clock.monotonicMs() - startedMs).toBeLessThan(400);
  expect([...node.replicas.all()].length).toBeLessThan(400);
  // Whoever is no longer wanted is not made.
  cluster.controller.deleteTopic('many');
  await cluster.until(node.replicas.settled());
  await cluster.waitFor(() => [...node.replicas.all()].length === 1, 'the deleted topic to be gone', 5_000);
  expect(image.topicsByName.has('many')).toBe(false);
});

test('many partitions are followed over one connection, and only what changed is spoken of', async () => {
  cluster = await SimReplicas.start({ nodes: 2 });
  cluster.controller.createTopic(T, { replicas: [1, 2], partitions: 200 });
  await cluster.advance(3_000);
  for (let partition = 0; partition < 200; partition++) await cluster.converge(T, partition);
  const written = Array.from({ length: 200 }, (_, partition) =>
    cluster.node(cluster.controller.partition(T, partition).leader).produce(T, partition, `record ${partition}`),
  );
  const produced = await cluster.until(Promise.all(written));
  expect(produced.every(({ errorCode }) => errorCode === ErrorCode.NONE)).toBe(true);
  expect(cluster.node(1).replicas.maxLag).toBe(0);
});

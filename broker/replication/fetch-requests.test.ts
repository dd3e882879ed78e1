/** A follower's side of a fetch session: what is asked for, and which answers are meant. */
import { expect, test } from 'vitest';
import { type Fetchable, FetchRequests } from './fetch-requests.ts';

interface Partition extends Fetchable {
  offset: number;
}

const TOPIC = 'topic-id';

function partitionOf(partition: number, offset = 0, leaderEpoch = 1): Partition {
  return { topicId: TOPIC, partition, leaderEpoch, offset, lastFetchedEpoch: -1, logStartOffset: 0 };
}

function opened(...partitions: Partition[]): FetchRequests<Partition> {
  const requests = new FetchRequests<Partition>({ partitionMaxBytes: 100 });
  for (const partition of partitions) requests.want(partition);
  const { number } = requests.next();
  requests.answered(number, 77);
  return requests;
}

/** The partitions that the next request names, and those that it forgets. */
function askedFor(requests: FetchRequests<Partition>): { asked: number[]; forgotten: number[]; number: number } {
  const { number, fields } = requests.next();
  return {
    asked: fields.topics.flatMap(({ partitions }) => partitions.map(({ partition }) => partition)),
    forgotten: (fields.forgottenTopicsData ?? []).flatMap(({ partitions }) => [...(partitions ?? [])]),
    number,
  };
}

test('the first request names everything, the next ones what changed', () => {
  const [one, two] = [partitionOf(1), partitionOf(2)];
  const requests = new FetchRequests<Partition>({ partitionMaxBytes: 100 });
  requests.want(one);
  requests.want(two);
  const first = requests.next();
  expect(first.fields).toMatchObject({ sessionId: 0, sessionEpoch: 0 });
  expect(first.fields.topics[0]?.partitions).toHaveLength(2);
  expect(requests.isOpen).toBe(false);
  requests.answered(first.number, 77);
  expect(requests.isOpen).toBe(true);
  expect(requests.hasNews).toBe(false);
  two.offset = 5;
  requests.want(two);
  const second = requests.next();
  expect(second.fields).toMatchObject({ sessionId: 77, sessionEpoch: 1 });
  expect(second.fields.topics[0]?.partitions).toMatchObject([{ partition: 2, fetchOffset: 5, currentLeaderEpoch: 1 }]);
  expect(requests.next().fields).toMatchObject({ sessionEpoch: 2, topics: [] });
});

test('what is dropped is forgotten once, and named again when it is wanted again', () => {
  const [one, two] = [partitionOf(1), partitionOf(2)];
  const requests = opened(one, two);
  requests.drop(one);
  expect(askedFor(requests)).toMatchObject({ asked: [], forgotten: [1] });
  expect(askedFor(requests)).toMatchObject({ asked: [], forgotten: [] });
  requests.want(one);
  expect(askedFor(requests)).toMatchObject({ asked: [1], forgotten: [] });
  requests.drop(two);
  requests.want(two);
  expect(askedFor(requests)).toMatchObject({ asked: [2], forgotten: [] });
});

test('a partition that is followed anew under another epoch is asked for and not forgotten', () => {
  const old = partitionOf(1, 10, 1);
  const requests = opened(old);
  requests.drop(old);
  requests.want(partitionOf(1, 10, 2));
  expect(askedFor(requests)).toMatchObject({ asked: [1], forgotten: [] });
});

test('an answer is meant for a partition only as it was asked for', () => {
  const one = partitionOf(1, 10);
  const requests = opened(one);
  const { number } = requests.next();
  expect(requests.isMeant(one, number)).toBe(true);
  // It went on meanwhile: cut off, or appended from another answer.
  one.offset = 7;
  expect(requests.isMeant(one, number)).toBe(false);
  requests.want(one);
  const overtaking = requests.next();
  // The answer to the request before still speaks of offset 10, though both are under way.
  expect(requests.isMeant(one, number)).toBe(false);
  expect(requests.isMeant(one, overtaking.number)).toBe(true);
  requests.drop(one);
  expect(requests.isMeant(one, overtaking.number)).toBe(false);
  const anew = partitionOf(1, 7, 2);
  requests.want(anew);
  expect(requests.isMeant(anew, overtaking.number)).toBe(false);
  const last = requests.next();
  // The same offset, but another leader epoch: what the old one sent may have been cut off since.
  expect(requests.isMeant(anew, overtaking.number)).toBe(false);
  expect(requests.isMeant(anew, last.number)).toBe(true);
});

test('a session that the leader lost is opened anew with everything, and its late answers open nothing', () => {
  const [one, two] = [partitionOf(1), partitionOf(2)];
  const requests = opened(one, two);
  const late = requests.next();
  requests.restart();
  requests.answered(late.number, 77);
  expect(requests.isOpen).toBe(false);
  expect(requests.isMeant(one, late.number)).toBe(false);
  const { number, fields } = requests.next();
  expect(fields).toMatchObject({ sessionId: 0, sessionEpoch: 0 });
  expect(fields.topics[0]?.partitions).toHaveLength(2);
  requests.answered(number, 78);
  expect(requests.next().fields).toMatchObject({ sessionId: 78, sessionEpoch: 1 });
});

test('a leader that opens no session is asked for everything each time', () => {
  const requests = new FetchRequests<Partition>({ partitionMaxBytes: 100 });
  requests.want(partitionOf(1));
  const { number } = requests.next();
  requests.answered(number, 0);
  const second = requests.next();
  expect(second.fields).toMatchObject({ sessionId: 0, sessionEpoch: 0 });
  expect(second.fields.topics[0]?.partitions).toHaveLength(1);
});

/** One Kafka connection against a peer that cuts, delays and forges its answers. */
import { expect, test } from 'vitest';
import type { Connection, Network } from '../../std/mod.ts';
import { SeededRandom } from '../../std/sim/prng.ts';
import { SimClock } from '../../std/sim/sim-clock.ts';
import { type ConnectionOptions, defineCall, KafkaConnection } from './mod.ts';
import { ResponseFrames } from './response-frames.ts';

/** A call whose response is all the bytes there are. */
const echo = defineCall<Buffer, Buffer>(
  0,
  (writer) => writer.writeInt32(0),
  (reader) => reader.view(reader.remaining),
);
const VERSION = 3;

class FakePeer implements Connection {
  readonly remoteAddress = '';
  readonly remotePort = 0;
  readonly localPort = 0;
  readonly writableBytes = 0;
  onData: (chunk: Buffer) => void = () => {};
  onClose: (error: Error | undefined) => void = () => {};
  onDrain: () => void = () => {};
  readonly correlationIds: number[] = [];
  isDestroyed = false;

  write(chunks: readonly Buffer[]): void {
    this.correlationIds.push(Buffer.concat(chunks).readInt32BE(8));
  }

  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {
    this.isDestroyed = true;
  }
}

async function open(options: ConnectionOptions = {}): Promise<{ peer: FakePeer; connection: KafkaConnection }> {
  const peer = new FakePeer();
  const network: Network = { listen: () => Promise.reject(new Error('no')), connect: async () => peer };
  const connection = await KafkaConnection.open({ runtime: { network }, host: '', port: 0, clientId: 'c', ...options });
  return { peer, connection };
}

function frame(correlationId: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + 4, 0);
  head.writeInt32BE(correlationId, 4);
  return Buffer.concat([head, body]);
}

test('answers come out whole however the bytes are cut', async () => {
  const random = new SeededRandom(5);
  for (let round = 0; round < 50; round++) {
    const { peer, connection } = await open();
    const bodies = Array.from({ length: random.between(1, 6) }, () => random.bytes(random.below(3_000)));
    const answers = bodies.map((body) => connection.request(echo, VERSION, body));
    const bytes = Buffer.concat(bodies.map((body, i) => frame(peer.correlationIds[i] as number, body)));
    for (let at = 0; at < bytes.length; ) {
      const length = random.chance(0.3) ? random.between(1, 5) : random.between(1, 4_000);
      // The chunk is a view of a buffer that is written over as soon as the call returns.
      const chunk = Buffer.from(bytes.subarray(at, at + length));
      peer.onData(chunk);
      chunk.fill(0xff);
      at += length;
    }
    expect(await Promise.all(answers)).toEqual(bodies);
  }
});

test('a large answer in small chunks takes time in proportion to its size', async () => {
  const { peer, connection } = await open();
  const body = Buffer.alloc(64 * 1024 * 1024, 7);
  const answer = connection.request(echo, VERSION, body);
  const bytes = frame(peer.correlationIds[0] as number, body);
  const startedMs = performance.now();
  for (let at = 0; at < bytes.length; at += 16 * 1024) peer.onData(bytes.subarray(at, at + 16 * 1024));
  expect((await answer).length).toBe(body.length);
  // Gathering the chunks anew for each of the 4,096 would copy 128 GiB.
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});

test('an answer of an impossible size ends the connection and everybody who waits', async () => {
  for (const bytes of [-1, 0, 3, 1_001, 0x7fffffff]) {
    const { peer, connection } = await open({ frameBytesMax: 1_000 });
    const answers = [
      connection.request(echo, VERSION, Buffer.alloc(0)),
      connection.request(echo, VERSION, Buffer.alloc(0)),
    ];
    const head = Buffer.alloc(4);
    head.writeInt32BE(bytes);
    peer.onData(head);
    for (const answer of answers) await expect(answer).rejects.toMatchObject({ code: 'net.frameTooLarge' });
    expect(peer.isDestroyed).toBe(true);
    expect(connection.isOpen).toBe(false);
    await expect(connection.request(echo, VERSION, Buffer.alloc(0))).rejects.toMatchObject({
      code: 'net.frameTooLarge',
    });
  }
});

test('an answer to another request ends the connection', async () => {
  const { peer, connection } = await open();
  const first = connection.request(echo, VERSION, Buffer.alloc(0));
  const second = connection.request(echo, VERSION, Buffer.alloc(0));
  peer.onData(frame(peer.correlationIds[1] as number, Buffer.alloc(0)));
  await expect(first).rejects.toMatchObject({ code: 'protocol.malformed' });
  await expect(second).rejects.toMatchObject({ code: 'protocol.malformed' });
  expect(peer.isDestroyed).toBe(true);
});

test('a silent peer is given up when the oldest request is too old, and not before', async () => {
  const clock = new SimClock();
  const { peer, connection } = await open({ requestTimeout: { afterMs: 1_000, clock } });
  const first = connection.request(echo, VERSION, Buffer.alloc(0));
  clock.advance(600);
  const second = connection.request(echo, VERSION, Buffer.alloc(0));
  clock.advance(300);
  peer.onData(frame(peer.correlationIds[0] as number, Buffer.from('x')));
  expect((await first).toString()).toBe('x');
  clock.advance(600);
  expect(connection.isOpen).toBe(true);
  clock.advance(101);
  await expect(second).rejects.toMatchObject({ code: 'net.timeout' });
  expect(peer.isDestroyed).toBe(true);
});

test('an idle connection has no deadline', async () => {
  const clock = new SimClock();
  const { peer, connection } = await open({ requestTimeout: { afterMs: 1_000, clock } });
  const answer = connection.request(echo, VERSION, Buffer.alloc(0));
  peer.onData(frame(peer.correlationIds[0] as number, Buffer.alloc(0)));
  await answer;
  clock.advance(1e6);
  expect(connection.isOpen).toBe(true);
});

test('buffers that take turns hold as many answers as there are of them', () => {
  const frames = new ResponseFrames({ frameBytesMax: 1e6, reusedBuffers: 2 });
  const taken: Buffer[] = [];
  const send = (text: string): void => {
    const bytes = Buffer.alloc(4 + text.length);
    bytes.writeInt32BE(text.length);
    bytes.write(text, 4);
    frames.receive(bytes, (found) => taken.push(found));
  };
  send('first');
  send('second');
  expect(taken.map(String)).toEqual(['first', 'second']);
  send('third');
  expect(String(taken[0])).toBe('third');
  expect(String(taken[1])).toBe('second');
  expect(taken[2]?.buffer).toBe(taken[0]?.buffer);
});

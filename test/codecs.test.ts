/**
 * Every message in every version: what is written reads back equal, and what an attacker makes of it is refused without
 * a crash, a hang or an allocation beyond what the frame justifies.
 */
import { expect, test } from 'vitest';
import { apis, dataMessages } from '../broker/protocol/messages/mod.ts';
import { Reader, Writer } from '../broker/protocol/mod.ts';
import type { Message } from '../broker/protocol/schema.ts';
import { BrokerError } from '../broker/std/mod.ts';
import { kebab } from '../hack/codecs/codec-source.ts';
import { parseVersions } from '../hack/codecs/versions.ts';
import { defaultValue, randomMessage } from './codec-arbitraries.ts';

const SEED = Number(process.env.OTTLA_SEED ?? 1);
const ROUND_TRIPS_PER_VERSION = 20;
const MUTATED_FRAMES = Number(process.env.OTTLA_MUTATED_FRAMES ?? 1_000_000);

type Read = (reader: Reader, version: number) => Record<string, unknown>;
type Write = (writer: Writer, message: Record<string, unknown>, version: number) => void;

interface Subject {
  readonly name: string;
  readonly message: Message;
  readonly versions: number[];
  readonly read: Read;
  readonly write: Write;
}

function drawFrom(seed: number): (max: number) => number {
  let state = seed >>> 0 || 1;
  return (max) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return Math.floor((state / 2 ** 32) * max);
  };
}

const described: [string, Message][] = [
  ...apis.flatMap((api): [string, Message][] => [
    [`${api.name}Request`, api.request],
    [`${api.name}Response`, api.response],
  ]),
  ...dataMessages.map((data): [string, Message] => [data.name, data]),
];

const subjects: Subject[] = await Promise.all(
  described.map(async ([name, message]) => {
    const module = await import(`../broker/protocol/generated/${kebab(name)}.ts`);
    const { min, max } = parseVersions(message.versions, Number.NaN);
    const versions = Array.from({ length: max - min + 1 }, (_, index) => min + index);
    return { name, message, versions, read: module[`read${name}`], write: module[`write${name}`] };
  }),
);

/** A message in which everything that version cannot carry has its default. */
function writable(subject: Subject, version: number, draw: (max: number) => number): Record<string, unknown> {
  return randomMessage(subject.message, version, draw);
}

test('every message reads back as it was written, in every version', () => {
  const draw = drawFrom(SEED);
  let count = 0;
  for (const subject of subjects) {
    for (const version of subject.versions) {
      for (let i = 0; i < ROUND_TRIPS_PER_VERSION; i++) {
        const message = writable(subject, version, draw);
        const writer = new Writer(16);
        subject.write(writer, message, version);
        const bytes = writer.finish();
        const reader = new Reader(bytes);
        const back = subject.read(reader, version);
        expect(reader.remaining, `${subject.name} v${version} leaves bytes unread`).toBe(0);
        expect(back, `${subject.name} v${version}`).toEqual(message);
        count++;
      }
    }
  }
  expect(count).toBeGreaterThan(5_000);
});

test('a writer fills in the defaults of fields that are left out', () => {
  for (const subject of subjects) {
    for (const version of subject.versions) {
      const full = Object.fromEntries(
        Object.entries(subject.message.fields).map(([key, field]) => [key, defaultValue(field)]),
      );
      const optional = Object.entries(subject.message.fields).filter(([, field]) => field.default !== undefined);
      const sparse = { ...full };
      for (const [key] of optional) delete sparse[key];
      const encode = (message: Record<string, unknown>): Buffer => {
        const writer = new Writer();
        subject.write(writer, message, version);
        return writer.finish();
      };
      try {
        expect(encode(sparse).equals(encode(full)), `${subject.name} v${version}`).toBe(true);
      } catch (error) {
        // A default of null in a version that has the field but not null for it cannot be written either way.
        if (!(error instanceof BrokerError)) throw error;
      }
    }
  }
});

test(`${MUTATED_FRAMES} mutated frames are read or refused, never worse`, { timeout: 120_000 }, () => {
  const draw = drawFrom(SEED + 1);
  const corpus: { subject: Subject; version: number; bytes: Buffer }[] = [];
  for (const subject of subjects) {
    for (const version of subject.versions) {
      const writer = new Writer();
      subject.write(writer, writable(subject, version, draw), version);
      const bytes = writer.finish();
      corpus.push({ subject, version, bytes: Buffer.from(bytes.subarray(0, 600)) });
    }
  }
  let refused = 0;
  for (let i = 0; i < MUTATED_FRAMES; i++) {
    const { subject, version, bytes } = corpus[i % corpus.length] as (typeof corpus)[number];
    const frame = Buffer.from(bytes);
    for (let flips = 1 + draw(3); flips > 0 && frame.length > 0; flips--) {
      frame[draw(frame.length)] = [0xff, 0x7f, 0x80, 0, draw(256)][draw(5)] as number;
    }
    const cut = draw(4) === 0 ? draw(frame.length + 1) : frame.length;
    try {
      subject.read(new Reader(frame, 0, cut), version);
    } catch (error) {
      if (!(error instanceof BrokerError))
        throw new Error(`${subject.name} v${version}: ${frame.toString('hex')}`, { cause: error });
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(MUTATED_FRAMES / 20);
});

/** Random messages of any schema and version, for the tests of generated codecs. */
import type { Field, Fields, Message } from '../broker/protocol/schema.ts';
import { includes, parseVersions } from '../hack/codecs/versions.ts';

type Draw = (max: number) => number;

/** A message of that version whose every field has a random value, absent fields their defaults. */
export function randomMessage(message: Message, version: number, draw: Draw): Record<string, unknown> {
  const newest = parseVersions(message.versions, Number.NaN).max;
  return randomStruct(message.fields, version, newest, draw);
}

function randomStruct(fields: Fields, version: number, newest: number, draw: Draw): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(fields)) {
    const exists = includes(parseVersions(field.versions, newest), version);
    value[key] = exists ? randomValue(field, version, newest, draw) : defaultValue(field);
  }
  return value;
}

function randomValue(field: Field, version: number, newest: number, draw: Draw): unknown {
  const nullable = field.nullable !== undefined && includes(parseVersions(field.nullable, newest), version);
  if (nullable && draw(4) === 0) return null;
  if (!field.isArray) return randomElement(field, version, newest, draw);
  return Array.from({ length: draw(3) }, () => randomElement(field, version, newest, draw));
}

function randomElement(field: Field, version: number, newest: number, draw: Draw): unknown {
  const { type } = field;
  if (typeof type !== 'string') return randomStruct(type, version, newest, draw);
  switch (type) {
    case 'bool':
      return draw(2) === 1;
    case 'int8':
      return draw(256) - 128;
    case 'int16':
      return draw(65536) - 32768;
    case 'uint16':
      return draw(65536);
    case 'int32':
      return draw(2 ** 32) - 2 ** 31;
    case 'uint32':
      return draw(2 ** 32);
    case 'int64':
      return draw(3) === 0 ? draw(100) - 50 : (draw(2 ** 21) - 2 ** 20) * 2 ** 32 + draw(2 ** 32);
    case 'float64':
      return draw(2 ** 32) / 7;
    case 'string':
      return ['', 'a', 'topic-1', 'größer', '\u{1f41d}'.repeat(draw(20)), 'x'.repeat(draw(300))][draw(6)];
    case 'uuid':
      return Buffer.from(Array.from({ length: 16 }, () => draw(256))).toString('base64url');
    case 'bytes':
    case 'records':
      return Buffer.alloc(draw(draw(10) === 0 ? 5000 : 20), draw(256));
  }
}

export function defaultValue(field: Field): unknown {
  if (field.default !== undefined) return typeof field.default === 'bigint' ? Number(field.default) : field.default;
  if (field.isArray) return [];
  if (typeof field.type !== 'string') {
    return Object.fromEntries(Object.entries(field.type).map(([key, child]) => [key, defaultValue(child)]));
  }
  switch (field.type) {
    case 'bool':
      return false;
    case 'string':
      return '';
    case 'uuid':
      return 'AAAAAAAAAAAAAAAAAAAAAA';
    case 'bytes':
      return Buffer.alloc(0);
    case 'records':
      return null;
    default:
      return 0;
  }
}

/**
 * Compares the schemas with Kafka's own message definitions, field by field.
 *
 * The definitions are data files of Apache Kafka that are not part of this project. Where they are at hand (beside the
 * repository, or where OTTLA_KAFKA_SPECS points) no name, type, version range or default of ours may differ from them.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Field, Fields, Message } from '../schema.ts';
import { apis, dataMessages } from './mod.ts';

const besideRepository = fileURLToPath(new URL('../../../../shared/kafka-message-specs', import.meta.url));
const specsPath = process.env.OTTLA_KAFKA_SPECS ?? besideRepository;
const specsPresent = existsSync(specsPath);

interface SpecField {
  readonly name: string;
  readonly type: string;
  readonly versions?: string;
  readonly nullableVersions?: string;
  readonly taggedVersions?: string;
  readonly flexibleVersions?: string;
  readonly tag?: number;
  readonly default?: unknown;
  readonly ignorable?: boolean;
  readonly mapKey?: boolean;
  readonly fields?: readonly SpecField[];
}

interface Spec {
  /** The folder of the definitions that the file is in. */
  readonly folder: string;
  readonly name: string;
  readonly type: string;
  readonly apiKey?: number;
  readonly listeners?: readonly string[];
  readonly validVersions: string;
  readonly flexibleVersions: string;
  readonly latestVersionUnstable?: boolean;
  readonly fields: readonly SpecField[];
  readonly commonStructs?: readonly SpecField[];
}

function readSpecs(): Spec[] {
  const specs: Spec[] = [];
  for (const folder of readdirSync(specsPath, { withFileTypes: true })) {
    if (!folder.isDirectory()) continue;
    for (const file of readdirSync(join(specsPath, folder.name))) {
      if (!file.endsWith('.json')) continue;
      const text = readFileSync(join(specsPath, folder.name, file), 'utf8');
      const spec = { ...JSON.parse(text.replace(/^\s*\/\/.*$/gm, '')), folder: folder.name } as Spec;
      // A retired message keeps its file only so that its key is not used again.
      if (spec.validVersions !== 'none') specs.push(spec);
    }
  }
  return specs;
}

/** One field as both sides can tell it, so that a difference shows in the words of the schema language. */
interface PlainField {
  readonly name: string;
  readonly type: string;
  readonly isArray: boolean;
  readonly versions: string;
  readonly nullable: string;
  readonly tagged: string;
  readonly tag: number | undefined;
  readonly default: string;
  readonly ignorable: boolean;
  readonly mapKey: boolean;
  readonly flexible: string | undefined;
  readonly fields: readonly PlainField[];
}

const numericTypes = new Set(['int8', 'int16', 'int32', 'int64', 'uint16', 'uint32', 'float64']);
const scalarTypes = new Set([...numericTypes, 'bool', 'string', 'bytes', 'uuid', 'records']);

/** Kafka writes defaults as JSON values or as strings of them, in decimal or hexadecimal; absence is the zero value. */
function plainDefault(type: string, isArray: boolean, value: unknown): string {
  if (value === null || value === 'null') return 'null';
  if (isArray || !scalarTypes.has(type)) return value === undefined ? 'empty' : String(value);
  if (type === 'float64') return String(Number(value ?? 0));
  if (numericTypes.has(type)) return String(BigInt((value as string | number | bigint | undefined) ?? 0));
  if (type === 'bool') return String(value ?? false);
  return String(value ?? '');
}

function plainSpecField(field: SpecField, structs: ReadonlyMap<string, readonly SpecField[]>): PlainField {
  const isArray = field.type.startsWith('[]');
  const named = isArray ? field.type.slice(2) : field.type;
  const isStruct = !scalarTypes.has(named);
  const type = isStruct ? 'struct' : named;
  const elements = isStruct ? (field.fields ?? structs.get(named)) : [];
  if (elements === undefined) throw new Error(`the definition has no struct ${named}`);
  return {
    name: field.name.charAt(0).toLowerCase() + field.name.slice(1),
    type,
    isArray,
    // A few tagged fields give only the versions in which they are tagged.
    versions: field.versions ?? field.taggedVersions ?? 'missing',
    nullable: field.nullableVersions ?? 'none',
    tagged: field.taggedVersions ?? 'none',
    tag: field.tag,
    default: plainDefault(type, isArray, field.default),
    ignorable: field.ignorable ?? false,
    mapKey: field.mapKey ?? false,
    flexible: field.flexibleVersions,
    fields: elements.map((element) => plainSpecField(element, structs)),
  };
}

function plainField(name: string, field: Field): PlainField {
  const type = typeof field.type === 'string' ? field.type : 'struct';
  return {
    name,
    type,
    isArray: field.isArray,
    versions: field.versions,
    nullable: field.nullable ?? 'none',
    tagged: field.tag === undefined ? 'none' : (field.tagged ?? field.versions),
    tag: field.tag,
    default: plainDefault(type, field.isArray, field.default),
    ignorable: field.ignorable ?? false,
    mapKey: field.mapKey ?? false,
    flexible: field.flexible,
    fields: typeof field.type === 'string' ? [] : plainFields(field.type),
  };
}

function plainFields(fields: Fields): PlainField[] {
  return Object.entries(fields).map(([name, field]) => plainField(name, field));
}

function plainSpecFields(spec: Spec): PlainField[] {
  const structs = new Map((spec.commonStructs ?? []).map((struct) => [struct.name, struct.fields ?? []]));
  return spec.fields.map((field) => plainSpecField(field, structs));
}

interface Ours {
  readonly message: Message;
  readonly apiKey: number | undefined;
  readonly listeners: readonly string[] | undefined;
}

/** Our messages under Kafka's names. */
const ours = new Map<string, Ours>();
for (const { key: apiKey, name, listeners, request, response } of apis) {
  ours.set(`${name}Request`, { message: request, apiKey, listeners });
  ours.set(`${name}Response`, { message: response, apiKey, listeners: undefined });
}
for (const message of dataMessages) {
  ours.set(message.name, { message, apiKey: message.apiKey, listeners: undefined });
}

const specs = specsPresent ? readSpecs() : [];
const known = specs.filter((spec) => ours.has(spec.name));

const absence = specsPresent ? '' : ` (SKIPPED: there are no message definitions of Kafka in ${specsPath})`;
if (!specsPresent) console.warn(`schemas are not compared with Kafka's${absence}`);

test('every API key, and every name, is used once', () => {
  expect(new Set(apis.map((api) => api.key)).size).toBe(apis.length);
  expect(ours.size).toBe(apis.length * 2 + dataMessages.length);
});

test('APIs are sorted by key and data messages by name', () => {
  expect(apis.map((api) => api.key)).toEqual(apis.map((api) => api.key).sort((a, b) => a - b));
  const names = dataMessages.map((message) => message.name);
  expect(names).toEqual(names.toSorted((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)));
});

/**
 * API keys and tags of what Kafka has no message or field for: brokers and the operator say it among themselves, and no
 * client is told of it.
 */
const OWN_KEYS_FROM = 20_000;

const fieldCount = (fields: readonly PlainField[]): number =>
  fields.reduce((count, field) => count + 1 + fieldCount(field.fields), 0);

test.skipIf(!specsPresent)(
  `every message of Kafka has a schema, and only Ottla's own keys have others${absence}`,
  () => {
    const specNames = new Set(specs.map((spec) => spec.name));
    const missing = specs.filter((spec) => !ours.has(spec.name));
    expect(missing.map((spec) => spec.name)).toEqual([]);
    const own = [...ours]
      .filter(([, { apiKey }]) => apiKey !== undefined && apiKey >= OWN_KEYS_FROM)
      .map(([name]) => name);
    expect([...ours.keys()].filter((name) => !specNames.has(name) && !own.includes(name))).toEqual([]);
    const fields = known.reduce((count, spec) => count + fieldCount(plainSpecFields(spec)), 0);
    console.log(`compared ${known.length} of ${specs.length} messages (${apis.length} APIs), ${fields} fields`);
  },
);

describe.skipIf(!specsPresent)(`schemas equal Kafka's definitions${absence}`, () => {
  test.each(known.map((spec) => [spec.name, spec] as const))('%s', (name, spec) => {
    const found = ours.get(name);
    expect({
      apiKey: found?.apiKey,
      listeners: found?.listeners,
      versions: found?.message.versions,
      flexible: found?.message.flexible,
      latestVersionUnstable: found?.message.latestVersionUnstable ?? false,
    }).toEqual({
      apiKey: spec.apiKey,
      listeners: spec.listeners,
      versions: spec.validVersions,
      flexible: spec.flexibleVersions,
      latestVersionUnstable: spec.latestVersionUnstable ?? false,
    });
    const fields = plainFields(found?.message.fields ?? {}).filter(({ tag }) => (tag ?? 0) < OWN_KEYS_FROM);
    expect(fields).toEqual(plainSpecFields(spec));
  });
});

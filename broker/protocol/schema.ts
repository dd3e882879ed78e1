/**
 * The language in which messages are described: one schema per message, all versions at once.
 *
 * A field says in which versions it exists, where it may be null, whether it is a tagged field (KIP-482) and what value
 * stands for its absence. hack/generate-codecs.ts turns schemas into plain functions, one per version; nothing here
 * runs while a request is served.
 *
 * Version ranges are written as Kafka writes them: `3`, `4-18`, `2+` (up to the message's newest), `none`.
 */
export type Scalar =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint16'
  | 'uint32'
  | 'float64'
  | 'string'
  | 'bytes'
  | 'uuid'
  | 'records';

export type FieldDefault = string | number | bigint | boolean | null;

export interface FieldOptions {
  /** Versions in which null is legal. */
  readonly nullable?: string;
  /** Tag number: makes the field an optional tagged field in `tagged` (default: every version it exists in). */
  readonly tag?: number;
  readonly tagged?: string;
  /** Value of an absent field. Without one: 0, false, '', empty, or the zero UUID. */
  readonly default?: FieldDefault;
  /** Whether a writer of a version without the field drops its value silently instead of failing. */
  readonly ignorable?: boolean;
  /** Whether the field is (part of) the key of the set-like array that its struct is an element of. */
  readonly mapKey?: boolean;
  /** Field-level override of the message's flexible versions (RequestHeader.clientId alone needs it). */
  readonly flexible?: string;
}

export type Fields = Readonly<Record<string, Field>>;

export interface Field extends FieldOptions {
  readonly versions: string;
  /** The element type; a record of fields is a struct. */
  readonly type: Scalar | Fields;
  readonly isArray: boolean;
}

export interface Message {
  readonly versions: string;
  /** Where compact types and tagged-field sections start: `none` or `N+`. */
  readonly flexible: string;
  readonly fields: Fields;
  /** Whether the newest version is unstable in Kafka, and so never advertised. */
  readonly latestVersionUnstable?: boolean;
}

/** Who may call an API: `broker` means clients. */
export type ListenerKind = 'broker' | 'controller';

export interface Api {
  readonly kind: 'api';
  readonly key: number;
  /** Kafka's name in PascalCase without Request or Response. */
  readonly name: string;
  readonly listeners: readonly ListenerKind[];
  readonly request: Message;
  readonly response: Message;
}

/** A message that is not a request or response: headers, values of internal topics, control records. */
export interface DataMessage extends Message {
  readonly kind: 'data';
  readonly name: string;
  /** The id under which coordinator and metadata records are told apart. */
  readonly apiKey?: number;
}

type ScalarField = (versions: string, options?: FieldOptions) => Field;

const scalar =
  (type: Scalar, isArray: boolean): ScalarField =>
  (versions, options = {}) => ({ versions, type, isArray, ...options });

export const bool = scalar('bool', false);
export const int8 = scalar('int8', false);
export const int16 = scalar('int16', false);
export const int32 = scalar('int32', false);
export const int64 = scalar('int64', false);
export const uint16 = scalar('uint16', false);
export const uint32 = scalar('uint32', false);
export const float64 = scalar('float64', false);
export const string = scalar('string', false);
export const bytes = scalar('bytes', false);
export const uuid = scalar('uuid', false);
export const records = scalar('records', false);

/** Arrays of scalars. */
export const int8s = scalar('int8', true);
export const int16s = scalar('int16', true);
export const int32s = scalar('int32', true);
export const int64s = scalar('int64', true);
export const strings = scalar('string', true);
export const uuids = scalar('uuid', true);

/** One nested struct. */
export const struct = (versions: string, fields: Fields, options: FieldOptions = {}): Field => ({
  versions,
  type: fields,
  isArray: false,
  ...options,
});

/** An array of structs. */
export const list = (versions: string, fields: Fields, options: FieldOptions = {}): Field => ({
  versions,
  type: fields,
  isArray: true,
  ...options,
});

export const message = (
  versions: string,
  flexible: string,
  fields: Fields,
  options: { readonly latestVersionUnstable?: boolean } = {},
): Message => ({ versions, flexible, fields, ...options });

export const api = (definition: Omit<Api, 'kind'>): Api => ({ kind: 'api', ...definition });

export const data = (
  name: string,
  versions: string,
  flexible: string,
  fields: Fields,
  options: { readonly apiKey?: number } = {},
): DataMessage => ({ kind: 'data', name, versions, flexible, fields, ...options });

/**
 * Any API by its name, with bodies as plain values: the corpus sends the same request in several versions, and what it
 * leaves out takes the schema's default. A field that the schema does not know is refused, so that a misspelt case
 * cannot pass for one that tests something.
 */
import { type Call, defineCall } from '../../broker/protocol/connection/mod.ts';
import { apis } from '../../broker/protocol/messages/mod.ts';
import type { Api, Fields } from '../../broker/protocol/schema.ts';
import { kebab } from '../../hack/codecs/codec-source.ts';
import { defaultValue } from '../codec-arbitraries.ts';

export type Body = Readonly<Record<string, unknown>>;
/** A decoded response; the corpus knows the shape of what it asked for. */
// biome-ignore lint/suspicious/noExplicitAny: one walker serves every API, and a typed one would need as many casts.
export type AnyResponse = any;

export interface UntypedCall {
  readonly api: Api;
  readonly call: Call<Body, AnyResponse>;
}

const byName = new Map(apis.map((api) => [api.name, api]));
const loaded = new Map<string, Promise<UntypedCall>>();

export function untypedCall(name: string): Promise<UntypedCall> {
  let call = loaded.get(name);
  if (call === undefined) {
    call = load(name);
    loaded.set(name, call);
  }
  return call;
}

async function load(name: string): Promise<UntypedCall> {
  const api = byName.get(name);
  if (api === undefined) throw new Error(`there is no API ${name}`);
  const request = await import(`../../broker/protocol/generated/${kebab(name)}-request.ts`);
  const response = await import(`../../broker/protocol/generated/${kebab(name)}-response.ts`);
  return { api, call: defineCall(api.key, request[`write${name}Request`], response[`read${name}Response`]) };
}

/** The body with every field the schema has. */
export function filled(fields: Fields, body: Body, at: string): Body {
  for (const key of Object.keys(body)) if (!(key in fields)) throw new Error(`${at} has no field ${key}`);
  const result: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(fields)) {
    const given = body[key];
    const { type } = field;
    if (given === undefined) result[key] = defaultValue(field);
    else if (typeof type === 'string' || given === null) result[key] = given;
    else if (field.isArray) result[key] = (given as Body[]).map((element) => filled(type, element, `${at}.${key}`));
    else result[key] = filled(type, given as Body, `${at}.${key}`);
  }
  return result;
}

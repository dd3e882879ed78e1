/**
 * The configuration of one broker: the static file with dynamic values laid over it.
 *
 * Precedence as in Kafka: this broker's dynamic value, the cluster's dynamic default, the static file, the built-in
 * default. Reads are by Kafka's name with the type said at the call; a wrong name is our bug and asserts.
 */
import { assert, BrokerError } from '../std/mod.ts';
import { type ConfigDefinition, nearestName, parseList, validateValue } from './definition.ts';
import { brokerDefinitions } from './definitions/broker.ts';
import { brokerSynonyms } from './synonyms.ts';

export const brokerDefinitionsByName: ReadonlyMap<string, ConfigDefinition> = new Map(
  brokerDefinitions.map((definition) => [definition.name, definition]),
);

export type ConfigValues = ReadonlyMap<string, string>;
const NO_VALUES: ConfigValues = new Map();

/** Prefixes under which any name is legal, for plug-ins and per-listener configs. */
const OPEN_PREFIXES = ['listener.name.', 'ssl.', 'sasl.', 'rsm.config.', 'rlmm.config.', 'metrics.context.', 'ottla.'];

export type ConfigSource = 'dynamic-broker' | 'dynamic-default' | 'static' | 'default';

export interface ConfigValue {
  readonly name: string;
  readonly value: string | null;
  readonly source: ConfigSource;
}

export class BrokerConfig {
  private readonly fixed: ConfigValues;
  private dynamicBroker: ConfigValues = NO_VALUES;
  private dynamicDefault: ConfigValues = NO_VALUES;
  private readonly parsed = new Map<string, number>();

  /** Throws BrokerError `config.invalid` that names key, value and what is allowed. */
  constructor(fixed: ConfigValues) {
    this.fixed = fixed;
    for (const [name, value] of fixed) {
      const definition = brokerDefinitionsByName.get(name);
      const problem = definition === undefined ? undefined : validateValue(definition, value);
      if (problem !== undefined) throw new BrokerError('config.invalid', problem, { context: { name, value } });
    }
  }

  /** A sentence for each key that nobody knows, with the nearest name that exists. */
  unknownKeys(): string[] {
    const sentences: string[] = [];
    for (const name of this.fixed.keys()) {
      if (brokerDefinitionsByName.has(name) || OPEN_PREFIXES.some((prefix) => name.startsWith(prefix))) continue;
      const nearest = nearestName(name, brokerDefinitionsByName.keys());
      sentences.push(
        `unknown config '${name}' is ignored${nearest === undefined ? '' : `; did you mean '${nearest}'?`}`,
      );
    }
    return sentences;
  }

  setDynamic(values: { readonly broker: ConfigValues; readonly clusterDefault: ConfigValues }): void {
    this.dynamicBroker = values.broker;
    this.dynamicDefault = values.clusterDefault;
    this.parsed.clear();
  }

  /** The values of one config from all sources that have one, best first; ends with the default. */
  lookup(name: string): ConfigValue[] {
    const found: ConfigValue[] = [];
    for (const synonym of brokerSynonyms[name] ?? [name]) {
      const add = (values: ConfigValues, source: ConfigSource): void => {
        const value = values.get(synonym);
        if (value !== undefined) found.push({ name: synonym, value, source });
      };
      add(this.dynamicBroker, 'dynamic-broker');
      add(this.dynamicDefault, 'dynamic-default');
      add(this.fixed, 'static');
      const fallback = brokerDefinitionsByName.get(synonym)?.default;
      if (fallback !== undefined && fallback !== null)
        found.push({ name: synonym, value: fallback, source: 'default' });
    }
    return found.sort((a, b) => SOURCE_ORDER[a.source] - SOURCE_ORDER[b.source]);
  }

  /** The effective text of a config, without looking at the configs that stand in for it. */
  text(name: string): string | null {
    const value = this.dynamicBroker.get(name) ?? this.dynamicDefault.get(name) ?? this.fixed.get(name);
    if (value !== undefined) return value;
    const definition = brokerDefinitionsByName.get(name);
    assert(definition !== undefined, `a broker config is called ${name}`);
    return definition.default ?? null;
  }

  string(name: string): string {
    return this.text(name) ?? '';
  }

  /** Long.MAX becomes 2^63, which compares as it should. */
  number(name: string): number {
    let value = this.parsed.get(name);
    if (value === undefined) {
      value = Number(this.text(name) ?? Number.NaN);
      this.parsed.set(name, value);
    }
    return value;
  }

  numberOrNull(name: string): number | null {
    const text = this.text(name);
    return text === null ? null : Number(text);
  }

  boolean(name: string): boolean {
    return this.string(name).trim().toLowerCase() === 'true';
  }

  list(name: string): string[] {
    return parseList(this.string(name));
  }

  /** The folders of the logs: `log.dirs`, or `log.dir` where that alone is set. */
  get logFolders(): string[] {
    const several = this.list('log.dirs');
    return several.length > 0 ? several : this.list('log.dir');
  }

  /** What the file says, whatever was set since. */
  staticText(name: string): string | null {
    return this.fixed.get(name) ?? brokerDefinitionsByName.get(name)?.default ?? null;
  }

  staticValues(): ConfigValues {
    return this.fixed;
  }
}

const SOURCE_ORDER: Readonly<Record<ConfigSource, number>> = {
  'dynamic-broker': 0,
  'dynamic-default': 1,
  static: 2,
  default: 3,
};

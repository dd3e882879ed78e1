/**
 * What is known of one config: its type, default, range and how it may change. Values are kept as the text Kafka
 * prints; they are parsed where they are used, so that Long.MAX stays exact in every description.
 */
export type ConfigType = 'boolean' | 'string' | 'int' | 'short' | 'long' | 'double' | 'list' | 'class' | 'password';

export interface ConfigDefinition {
  readonly name: string;
  readonly type: ConfigType;
  /** The text of the default; null where Kafka's default is null, undefined where a value is required. */
  readonly default: string | null | undefined;
  /** Kafka's description of the legal values: a range, a choice, `unique`, ... */
  readonly valid: string;
  readonly importance: string;
  readonly update: string;
  readonly internal?: boolean;
  readonly doc: string;
}

const INTEGER_RANGES: Partial<Record<ConfigType, readonly [bigint, bigint]>> = {
  short: [-32768n, 32767n],
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  long: [-(2n ** 63n), 2n ** 63n - 1n],
};

/** The elements of a list value: trimmed, without the empty ones around an empty value. */
export function parseList(value: string): string[] {
  const trimmed = value.trim();
  return trimmed === '' ? [] : trimmed.split(',').map((element) => element.trim());
}

/** Says in a sentence what is wrong with `value`, or returns undefined when it is legal. */
export function validateValue(definition: ConfigDefinition, value: string): string | undefined {
  const problem = typeProblem(definition, value) ?? rangeProblem(definition, value);
  return problem === undefined ? undefined : `Invalid value ${value} for configuration ${definition.name}: ${problem}`;
}

function typeProblem({ type }: ConfigDefinition, value: string): string | undefined {
  const text = value.trim();
  switch (type) {
    case 'boolean':
      return /^(true|false)$/i.test(text) ? undefined : 'Expected value to be either true or false';
    case 'short':
    case 'int':
    case 'long': {
      if (!/^[+-]?\d+$/.test(text)) return `Not a number of type ${type.toUpperCase()}`;
      const [min, max] = INTEGER_RANGES[type] as readonly [bigint, bigint];
      const number = BigInt(text);
      return number >= min && number <= max ? undefined : `Not a number of type ${type.toUpperCase()}`;
    }
    case 'double':
      return text !== '' && Number.isFinite(Number(text)) ? undefined : 'Not a number of type DOUBLE';
    default:
      return undefined;
  }
}

function rangeProblem(definition: ConfigDefinition, value: string): string | undefined {
  const { valid, type } = definition;
  const text = value.trim();
  if (valid === '') return undefined;
  const atLeast = /^>=(-?[\d.]+)$/.exec(valid);
  const between = /^(-?[\d.]+)\.\.(-?[\d.]+)( or -1)?$/.exec(valid);
  if (atLeast !== null || between !== null) {
    const min = Number((atLeast ?? between)?.[1]);
    const max = between === null ? Number.POSITIVE_INFINITY : Number(between[2]);
    const number = Number(text);
    if (between?.[3] !== undefined && number === -1) return undefined;
    if (number < min) return `Value must be at least ${atLeast?.[1] ?? between?.[1]}`;
    if (number > max) return `Value must be no more than ${between?.[2]}`;
    return undefined;
  }
  if (type === 'list') return listProblem(valid, parseList(value));
  if (valid === 'non-empty string') return text === '' ? 'String must be non-empty' : undefined;
  if (/^[\w-]+(,[\w-]+)+$/.test(valid)) {
    const choices = valid.split(',');
    return choices.includes(text) ? undefined : `String must be one of: ${choices.join(', ')}`;
  }
  if (valid.startsWith('latest,earliest,')) {
    return /^(latest|earliest|by_duration:-?P.+)$/i.test(text)
      ? undefined
      : "Value must be 'latest', 'earliest' or 'by_duration:<duration>' in ISO-8601";
  }
  return undefined;
}

function listProblem(valid: string, elements: readonly string[]): string | undefined {
  if (new Set(elements).size !== elements.length) return `Configuration values must not be duplicated`;
  if (valid.includes('non-empty') && elements.length === 0) return 'Configuration must not be empty';
  const choices = /^subset of ([\w,]+)/.exec(valid)?.[1]?.split(',');
  if (choices !== undefined && choices.length > 1) {
    const wrong = elements.find((element) => !choices.includes(element));
    if (wrong !== undefined) return `${wrong} must be one of: ${choices.join(', ')}`;
  }
  if (valid.startsWith('* or partition:broker')) {
    const ok = elements.every((element) => element === '*' || /^\d+:\d+$/.test(element));
    return ok ? undefined : "must be the literal '*' or a list of replicas in the form [partitionId]:[brokerId],...";
  }
  return undefined;
}

/** The names nearest to a mistyped one, for a suggestion. */
export function nearestName(name: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 4)) + 1;
  for (const candidate of names) {
    const distance = editDistance(name, candidate, bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(
        (previous[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    }
    previous = row;
  }
  return previous[b.length] as number;
}

/** What the load pod writes, and what follows from it for a span of time. */

/** About one second. */
export interface LoadLine {
  readonly atMs: number;
  readonly acknowledged: number;
  /** The longest time without an acknowledgement that any partition had, or still has. */
  readonly pauseMs: number;
  /** Replicas in sync where they are fewest. */
  readonly inSync: number;
  readonly violations: number;
  readonly errors: Readonly<Record<string, number>>;
}

/** What came back to a consumer group of another client's, before the load began. */
export interface HelloLine {
  readonly hello: number;
}

export interface FinalLine {
  readonly isFinal: true;
  readonly acknowledged: number;
  readonly wrong: readonly string[];
}

export interface LoadReport {
  readonly hello: number;
  readonly lines: readonly LoadLine[];
  readonly final: FinalLine | undefined;
}

export function parseReport(text: string): LoadReport {
  const lines: LoadLine[] = [];
  let hello = 0;
  let final: FinalLine | undefined;
  // The last line may still be on its way into the file.
  for (const line of text.split('\n').slice(0, -1)) {
    const said = JSON.parse(line) as LoadLine | FinalLine | HelloLine;
    if ('isFinal' in said) final = said;
    else if ('hello' in said) hello = said.hello;
    else lines.push(said);
  }
  return { hello, lines, final };
}

export interface Span {
  readonly pauseMs: number;
  readonly acknowledged: number;
  readonly errors: string;
}

/** What happened between two moments of the pod's clock. */
export function spanOf(lines: readonly LoadLine[], fromMs: number, toMs: number): Span {
  const before = lines.findLast(({ atMs }) => atMs < fromMs);
  const within = lines.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
  const last = within.at(-1) ?? before;
  const errors = Object.entries(last?.errors ?? {})
    .map(([name, count]) => [name, count - (before?.errors[name] ?? 0)] as const)
    .filter(([, count]) => count > 0);
  return {
    pauseMs: Math.max(0, ...within.map(({ pauseMs }) => pauseMs)),
    acknowledged: (last?.acknowledged ?? 0) - (before?.acknowledged ?? 0),
    errors: errors.length === 0 ? 'none' : errors.map(([name, count]) => `${name} ${count}`).join(', '),
  };
}

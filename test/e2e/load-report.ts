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

export interface FinalLine {
  readonly isFinal: true;
  readonly acknowledged: number;
  readonly wrong: readonly string[];
}

export function parseLines(log: string): { readonly lines: LoadLine[]; readonly final: FinalLine | undefined } {
  const lines: LoadLine[] = [];
  let final: FinalLine | undefined;
  for (const text of log.split('\n')) {
    if (!text.startsWith('{')) continue;
    const said = JSON.parse(text) as Partial<LoadLine & FinalLine>;
    if (said.isFinal === true) final = said as FinalLine;
    else if (said.atMs !== undefined) lines.push(said as LoadLine);
  }
  return { lines, final };
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

/** What happened, for people: the last lines before a violation, with the simulated time and who said them. */
const LINES_MAX = 4000;

export class Trace {
  private readonly nowMs: () => number;
  private readonly lines: string[] = [];
  private next = 0;

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  add(who: string, level: string, message: string, fields: object = {}): void {
    const head = `${this.nowMs().toFixed(1).padStart(10)} ${who.padEnd(10)} ${level.padEnd(5)}`;
    const line = `${head} ${message} ${text(fields)}`;
    this.lines[this.next % LINES_MAX] = line.trimEnd();
    this.next += 1;
  }

  last(count: number): string[] {
    const from = Math.max(0, this.next - Math.min(count, LINES_MAX));
    return Array.from({ length: this.next - from }, (_, at) => this.lines[(from + at) % LINES_MAX] as string);
  }
}

function text(fields: object): string {
  return Object.entries(fields)
    .map(([key, value]) => `${key}=${value instanceof Error ? `"${value.message}"` : JSON.stringify(value)}`)
    .join(' ');
}

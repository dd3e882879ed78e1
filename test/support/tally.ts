/** Counts what a suite of external programs found, and says it the way continuous integration reads it. */
export class Tally {
  passed = 0;
  failed = 0;
  skipped = 0;

  async check(title: string, body: () => Promise<unknown> | unknown): Promise<void> {
    const started = Date.now();
    try {
      await body();
      this.passed++;
      process.stdout.write(`ok      ${title} (${Date.now() - started} ms)\n`);
    } catch (error) {
      this.failed++;
      process.stdout.write(`FAILED  ${title}\n${indent(String((error as Error).stack ?? error))}\n`);
    }
  }

  skip(title: string, reason: string): void {
    this.skipped++;
    process.stdout.write(`SKIPPED ${title}: ${reason}\n`);
  }

  /** Prints the closing line and sets the exit code. */
  finish(): void {
    process.stdout.write(`${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped\n`);
    process.exitCode = this.failed === 0 ? 0 : 1;
  }
}

function indent(text: string): string {
  return text
    .split('\n')
    .slice(0, 40)
    .map((line) => `        ${line}`)
    .join('\n');
}

export function equal(actual: unknown, expected: unknown, what: string): void {
  const a = JSON.stringify(actual);
  const b = JSON.stringify(expected);
  if (a !== b) throw new Error(`${what}: got ${a?.slice(0, 500)}, expected ${b?.slice(0, 500)}`);
}

export function ensure(condition: boolean, sentence: string): void {
  if (!condition) throw new Error(sentence);
}

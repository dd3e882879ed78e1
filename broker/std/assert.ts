/**
 * Assertions: what must be true for this program to be right. A broken one is our bug, never a user's mistake, and the
 * process must not carry on as if nothing had happened.
 */
export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure';
}

export function assert(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new AssertionFailure(sentence);
}

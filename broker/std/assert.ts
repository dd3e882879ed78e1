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

/** For the default branch of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new AssertionFailure(`a value outside its type arrived here: ${String(value)}`);
}

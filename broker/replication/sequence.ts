/**
 * Tasks of one partition that must not overlap: a change of leadership waits for a truncation that is under way, and a
 * truncation for the change before it. Where nothing waits for the disk everything happens at once, in the same turn.
 */
export class Sequence {
  private last: Promise<void> | undefined;

  /** Runs the task now when nothing is under way, else after what is. Undefined when it is done already. */
  run(task: () => Promise<void> | undefined): Promise<void> | undefined {
    const started = this.last === undefined ? task() : this.last.then(task, task);
    if (started === undefined) return undefined;
    const settled = started.finally(() => {
      if (this.last === settled) this.last = undefined;
    });
    this.last = settled;
    return settled;
  }
}

/**
 * The in-sync set of a partition as its leader sees it: what the metadata says, and at most one change to it that the
 * controller was asked for and has not settled.
 *
 *   committed ──propose──▶ proposed ──accepted, or newer metadata──▶ committed
 *                             └──────refused, surely not applied────▶ committed, as before
 *
 * While the outcome of a change is open either set may be the true one. So those who are being added count for the high
 * watermark already, and those who are being removed count still: the leader acts on the union, the *maximal* set.
 */
export interface InSyncChange {
  readonly kind: 'expand' | 'shrink';
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly newInSyncReplicas: readonly { readonly brokerId: number; readonly brokerEpoch: number }[];
}

export class InSyncSet {
  private committedSet: readonly number[];
  private pendingChange: InSyncChange | undefined;

  constructor(committed: readonly number[]) {
    this.committedSet = committed;
  }

  get committed(): readonly number[] {
    return this.committedSet;
  }

  get pending(): InSyncChange | undefined {
    return this.pendingChange;
  }

  /** Whether the replica belongs to the maximal set. */
  has(nodeId: number): boolean {
    if (this.committedSet.includes(nodeId)) return true;
    return this.pendingChange?.newInSyncReplicas.some(({ brokerId }) => brokerId === nodeId) ?? false;
  }

  propose(change: InSyncChange): void {
    this.pendingChange = change;
  }

  /** The metadata's word, or the controller's answer: whatever was open is settled by it. */
  commit(inSyncReplicas: readonly number[]): void {
    this.committedSet = inSyncReplicas;
    this.pendingChange = undefined;
  }

  /** The controller says that the change was not made and never will be. */
  revert(): void {
    this.pendingChange = undefined;
  }
}

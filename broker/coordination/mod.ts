/**
 * The coordination store: a lease, a log whose offsets are taken once for ever, and snapshots. In come bytes, out come
 * bytes and conflicts; what a batch means is for the metadata room to know.
 */
export { FilesStore } from './files-store.ts';
export { MemoryStore, MemoryStoreState, type StoreFault, type StoreOperation } from './memory-store.ts';
export { openKubernetesStore, openRedisStore } from './open.ts';
export {
  BATCH_BYTES_MAX,
  type CoordinationStore,
  type Lease,
  type Snapshot,
  type SnapshotName,
  type StoredBatch,
} from './store.ts';
export { unlimitedBudget, WriteBudget, type WritePriority } from './write-budget.ts';

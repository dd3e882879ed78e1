/**
 * The one runtime under all coordinators: it loads state from a partition, writes records and waits until they are
 * committed. It knows neither groups nor transactions.
 */
export {
  type CoordinatorLog,
  type CoordinatorRecord,
  CoordinatorRuntime,
  type CoordinatorShard,
  coordinatorError,
  partitionOfKey,
} from './shards.ts';

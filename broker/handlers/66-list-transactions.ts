/**
 * ListTransactions (key 66), versions 0-2: transactions are not served yet, so there are none; unknown states are
 * named.
 */
import {
  type ListTransactionsRequest,
  readListTransactionsRequest,
} from '../protocol/generated/list-transactions-request.ts';
import {
  type ListTransactionsResponseInit,
  writeListTransactionsResponse,
} from '../protocol/generated/list-transactions-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';

const STATES = new Set([
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
]);

export const listTransactions = handler<ListTransactionsRequest, ListTransactionsResponseInit>({
  key: 66,
  read: readListTransactionsRequest,
  write: writeListTransactionsResponse,
  handle(request) {
    const { transactionalIdPattern } = request;
    if (transactionalIdPattern !== null && !isPattern(transactionalIdPattern)) {
      return {
        throttleTimeMs: 0,
        errorCode: ErrorCode.INVALID_REGULAR_EXPRESSION,
        unknownStateFilters: [],
        transactionStates: [],
      };
    }
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      unknownStateFilters: request.stateFilters.filter((state) => !STATES.has(state)),
      transactionStates: [],
    };
  },
});

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

/** Names the transactional id whose state a record of __transaction_state holds. */
import { data, string } from '../../schema.ts';

export default data(
  'TransactionLogKey',
  '0',
  'none',
  {
    transactionalId: string('0'),
  },
  { apiKey: 0 },
);

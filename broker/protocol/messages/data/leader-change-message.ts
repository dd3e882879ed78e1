/** The control record with which a quorum's leader opens its epoch: who can vote, and who voted for it. */
import { data, int16, int32, list, uuid } from '../../schema.ts';

const voter = {
  voterId: int32('0+'),
  voterDirectoryId: uuid('1+'),
};

export default data('LeaderChangeMessage', '0-1', '0+', {
  version: int16('0+'),
  leaderId: int32('0+'),
  voters: list('0+', voter),
  grantingVoters: list('0+', voter),
});

/** The file that holds a quorum replica's epoch and vote, so that it never votes twice in one epoch. */
import { data, int32, int64, list, string, uuid } from '../../schema.ts';

export default data('QuorumStateData', '0-1', '0+', {
  clusterId: string('0'),
  leaderId: int32('0+', { default: -1 }),
  leaderEpoch: int32('0+', { default: -1 }),
  votedId: int32('0+', { default: -1 }),
  votedDirectoryId: uuid('1+'),
  appliedOffset: int64('0'),
  currentVoters: list(
    '0',
    {
      voterId: int32('0'),
    },
    { nullable: '0' },
  ),
});

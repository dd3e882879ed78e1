/** A classic group after a completed rebalance: generation, protocol and members. */
import { bytes, data, int32, int64, list, string } from '../../schema.ts';

export default data(
  'GroupMetadataValue',
  '0-4',
  '4+',
  {
    protocolType: string('0+'),
    generation: int32('0+'),
    protocol: string('0+', { nullable: '0+' }),
    leader: string('0+', { nullable: '0+' }),
    currentStateTimestamp: int64('2+', { default: -1n, ignorable: true }),
    members: list('0+', {
      memberId: string('0+'),
      groupInstanceId: string('3+', {
        nullable: '3+',
        default: null,
        ignorable: true,
      }),
      clientId: string('0+'),
      clientHost: string('0+'),
      rebalanceTimeout: int32('1+', { default: -1, ignorable: true }),
      sessionTimeout: int32('0+'),
      subscription: bytes('0+'),
      assignment: bytes('0+'),
    }),
  },
  { apiKey: 2 },
);

/** Groups: membership, offsets, and the ways to look at them. */
import { type Session, someRecords, subscription } from '../session.ts';
import type { Body } from '../untyped-call.ts';
import { cases } from './scenario.ts';

const SESSION_MS = 30_000;
const METADATA = subscription([]);

function joinBody(s: Session, groupId: string, options: Body = {}): Body {
  return {
    groupId,
    sessionTimeoutMs: SESSION_MS,
    ...(s.version >= 1 ? { rebalanceTimeoutMs: SESSION_MS } : {}),
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: METADATA }],
    ...options,
  };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export const joinGroup = cases('JoinGroup', [
  [
    'the first member',
    async (s) => {
      const groupId = await s.group('g');
      const first = await s.ask(joinBody(s, groupId));
      s.label(first.memberId as string, 'member');
      if (first.errorCode === 79) await s.ask(joinBody(s, groupId, { memberId: first.memberId }));
    },
  ],
  ['an empty group id', async (s) => s.ask(joinBody(s, ''))],
  ['a session that is too short', async (s) => s.ask(joinBody(s, await s.group('g'), { sessionTimeoutMs: 5 }))],
  ['a session that is too long', async (s) => s.ask(joinBody(s, await s.group('g'), { sessionTimeoutMs: 99_999_999 }))],
  ['a member nobody knows', async (s) => s.ask(joinBody(s, await s.group('g'), { memberId: 'stranger' }))],
  [
    'a member nobody knows in a living group',
    async (s) => {
      const groupId = await s.group('g');
      await s.member(groupId);
      await s.ask(joinBody(s, groupId, { memberId: 'stranger' }));
    },
  ],
  ['no protocols', async (s) => s.ask(joinBody(s, await s.group('g'), { protocols: [] }))],
  ['no protocol type', async (s) => s.ask(joinBody(s, await s.group('g'), { protocolType: '' }))],
  [
    'another protocol type than the group has',
    async (s) => {
      const groupId = await s.group('g');
      await s.member(groupId);
      await s.ask(joinBody(s, groupId, { protocolType: 'connect' }));
    },
  ],
  [
    'no protocol in common with the group',
    async (s) => {
      const groupId = await s.group('g');
      await s.member(groupId);
      await s.ask(joinBody(s, groupId, { protocols: [{ name: 'sticky', metadata: METADATA }] }));
    },
  ],
  [
    'the leader joins again',
    async (s) => {
      const groupId = await s.group('g');
      const { memberId } = await s.member(groupId);
      await s.ask(joinBody(s, groupId, { memberId }));
    },
  ],
  [
    'a static member',
    async (s) => {
      const answer = await s.ask(joinBody(s, await s.group('g'), { groupInstanceId: 'one' }));
      s.label(answer.memberId as string, 'member');
    },
    { from: 5 },
  ],
  [
    'a static member comes back without its id',
    async (s) => {
      const groupId = await s.group('g');
      await s.member(groupId, { instanceId: 'one' });
      const answer = await s.ask(joinBody(s, groupId, { groupInstanceId: 'one' }));
      s.label(answer.memberId as string, 'member again');
    },
    { from: 5 },
  ],
  [
    'a static member with the id of another',
    async (s) => {
      const groupId = await s.group('g');
      await s.member(groupId, { instanceId: 'one' });
      await s.ask(joinBody(s, groupId, { groupInstanceId: 'one', memberId: 'stranger' }));
    },
    { from: 5 },
  ],
  [
    'an unknown static member with a member id',
    async (s) => s.ask(joinBody(s, await s.group('g'), { groupInstanceId: 'two', memberId: 'stranger' })),
    { from: 5 },
  ],
  [
    'two members share a generation',
    async (s) => {
      const groupId = await s.group('g');
      const { memberId } = await s.member(groupId, { label: 'first' });
      const other = s.another();
      let second = '';
      const joining = (async () => {
        const required = await other.prepare('JoinGroup', { ...joinBody(s, groupId), rebalanceTimeoutMs: SESSION_MS });
        second = s.label(required.memberId as string, 'second');
        return other.prepare('JoinGroup', {
          ...joinBody(s, groupId, { memberId: second }),
          rebalanceTimeoutMs: SESSION_MS,
        });
      })();
      await s.until(
        'DescribeGroups',
        () => ({ groups: [groupId] }),
        (r) => r.groups[0].groupState === 'PreparingRebalance',
      );
      await s.ask(joinBody(s, groupId, { memberId }));
      await joining;
    },
  ],
]);

export const syncGroup = cases('SyncGroup', [
  [
    'the leader brings the assignment',
    async (s) => {
      const groupId = await s.group('g');
      const { memberId, generationId } = await s.member(groupId);
      await s.ask({ groupId, memberId, generationId });
    },
  ],
  ['an empty group id', async (s) => s.ask({ groupId: '', memberId: 'm', generationId: 1 })],
  ['a group nobody knows', async (s) => s.ask({ groupId: await s.group('g'), memberId: 'm', generationId: 1 })],
  [
    'a member nobody knows',
    async (s) => {
      const groupId = await s.group('g');
      const { generationId } = await s.member(groupId);
      await s.ask({ groupId, memberId: 'stranger', generationId });
    },
  ],
  [
    'a generation of the past',
    async (s) => {
      const groupId = await s.group('g');
      const { memberId, generationId } = await s.member(groupId);
      await s.ask({ groupId, memberId, generationId: generationId - 1 });
    },
  ],
  [
    'another protocol',
    async (s) => {
      const groupId = await s.group('g');
      const { memberId, generationId } = await s.member(groupId);
      await s.ask({ groupId, memberId, generationId, protocolType: 'consumer', protocolName: 'sticky' });
      await s.ask({ groupId, memberId, generationId, protocolType: 'connect', protocolName: 'range' });
    },
    { from: 5 },
  ],
  [
    'a protocol left out',
    async (s) => {
      const groupId = await s.group('g');
      const { memberId, generationId } = await s.member(groupId);
      await s.ask({ groupId, memberId, generationId, protocolType: null, protocolName: null });
    },
    { from: 5 },
  ],
  [
    'a static member with the id of another',
    async (s) => {
      const groupId = await s.group('g');
      const { generationId } = await s.member(groupId, { instanceId: 'one' });
      await s.ask({ groupId, memberId: 'stranger', generationId, groupInstanceId: 'one' });
    },
    { from: 3 },
  ],
  [
    'while members join',
    async (s) => {
      const groupId = await s.group('g');
      const { memberId, generationId } = await s.member(groupId);
      const other = s.another();
      const required = await other.prepare(
        'JoinGroup',
        joinBody(s, groupId, s.version < 1 ? { rebalanceTimeoutMs: SESSION_MS } : {}),
      );
      const joining = other.prepare('JoinGroup', {
        ...joinBody(s, groupId, { memberId: required.memberId }),
        rebalanceTimeoutMs: SESSION_MS,
      });
      await s.until(
        'DescribeGroups',
        () => ({ groups: [groupId] }),
        (r) => r.groups[0].groupState === 'PreparingRebalance',
      );
      await s.ask({ groupId, memberId, generationId });
      await s.prepare('LeaveGroup', { groupId, members: [{ memberId }] });
      await joining;
    },
  ],
]);

export const heartbeat = cases('Heartbeat', [
  [
    'of a member',
    async (s) => {
      const groupId = await s.group('g');
      await s.ask({ groupId, ...(await s.member(groupId)) });
    },
  ],
  ['an empty group id', async (s) => s.ask({ groupId: '', memberId: 'm', generationId: 1 })],
  ['a group nobody knows', async (s) => s.ask({ groupId: await s.group('g'), memberId: 'm', generationId: 1 })],
  [
    'a member nobody knows',
    async (s) => {
      const groupId = await s.group('g');
      await s.ask({ groupId, ...(await s.member(groupId)), memberId: 'stranger' });
    },
  ],
  [
    'a generation of the future',
    async (s) => {
      const groupId = await s.group('g');
      const { memberId, generationId } = await s.member(groupId);
      await s.ask({ groupId, memberId, generationId: generationId + 1 });
    },
  ],
  [
    'a static member with the id of another',
    async (s) => {
      const groupId = await s.group('g');
      const { generationId } = await s.member(groupId, { instanceId: 'one' });
      await s.ask({ groupId, memberId: 'stranger', generationId, groupInstanceId: 'one' });
      await s.ask({ groupId, memberId: 'stranger', generationId, groupInstanceId: 'two' });
    },
    { from: 3 },
  ],
  [
    'while members join',
    async (s) => {
      const groupId = await s.group('g');
      const { memberId, generationId } = await s.member(groupId);
      const other = s.another();
      const required = await other.prepare('JoinGroup', { ...joinBody(s, groupId), rebalanceTimeoutMs: SESSION_MS });
      const joining = other.prepare('JoinGroup', {
        ...joinBody(s, groupId, { memberId: required.memberId }),
        rebalanceTimeoutMs: SESSION_MS,
      });
      await s.until(
        'DescribeGroups',
        () => ({ groups: [groupId] }),
        (r) => r.groups[0].groupState === 'PreparingRebalance',
      );
      await s.ask({ groupId, memberId, generationId });
      await s.prepare('LeaveGroup', { groupId, members: [{ memberId }] });
      await joining;
    },
  ],
]);

const left = (s: Session, groupId: string, members: readonly Body[]) =>
  s.ask(s.version >= 3 ? { groupId, members } : { groupId, memberId: (members[0] as { memberId: string }).memberId });

export const leaveGroup = cases('LeaveGroup', [
  [
    'a member',
    async (s) => {
      const groupId = await s.group('g');
      const { memberId } = await s.member(groupId);
      await left(s, groupId, [{ memberId }]);
      await left(s, groupId, [{ memberId }]);
      await s.observe('DescribeGroups', { groups: [groupId] });
    },
  ],
  ['an empty group id', async (s) => left(s, '', [{ memberId: 'm' }])],
  ['a group nobody knows', async (s) => left(s, await s.group('g'), [{ memberId: 'm' }])],
  [
    'a member nobody knows',
    async (s) => {
      const groupId = await s.group('g');
      await s.member(groupId);
      await left(s, groupId, [{ memberId: 'stranger' }]);
    },
  ],
  [
    'a static member by its instance',
    async (s) => {
      const groupId = await s.group('g');
      await s.member(groupId, { instanceId: 'one' });
      await left(s, groupId, [
        { memberId: '', groupInstanceId: 'one' },
        { memberId: '', groupInstanceId: 'two' },
      ]);
    },
    { from: 3 },
  ],
  [
    'a static member with the id of another',
    async (s) => {
      const groupId = await s.group('g');
      await s.member(groupId, { instanceId: 'one' });
      await left(s, groupId, [{ memberId: 'stranger', groupInstanceId: 'one' }]);
    },
    { from: 3 },
  ],
  [
    'nobody',
    async (s) => {
      const groupId = await s.group('g');
      await s.member(groupId);
      await left(s, groupId, []);
    },
    { from: 3 },
  ],
]);

export const describeGroups = cases('DescribeGroups', [
  [
    'a stable group',
    async (s) => {
      const groupId = await s.group('g');
      await s.member(groupId);
      await s.ask({ groups: [groupId] });
    },
  ],
  [
    'a stable group of a static member',
    async (s) => {
      const groupId = await s.group('g');
      await s.member(groupId, { instanceId: 'one' });
      await s.ask({ groups: [groupId] });
    },
  ],
  [
    'an empty group',
    async (s) => {
      const groupId = await s.group('g');
      const { memberId } = await s.member(groupId);
      await s.prepare('LeaveGroup', { groupId, members: [{ memberId }] });
      await s.ask({ groups: [groupId] });
    },
  ],
  ['a group nobody knows', async (s) => s.ask({ groups: [await s.group('g')] })],
  ['an empty group id', async (s) => s.ask({ groups: [''] })],
  [
    'a group of committed offsets alone',
    async (s) => {
      await s.topic('t');
      const groupId = await s.group('g');
      await committedBefore(s, groupId);
      await s.ask({ groups: [groupId] });
    },
  ],
  [
    'with authorized operations',
    async (s) => {
      const groupId = await s.group('g');
      await s.member(groupId);
      await s.ask({ groups: [groupId, s.name('missing')], includeAuthorizedOperations: true });
    },
    { from: 3 },
  ],
  [
    'several, one twice',
    async (s) => {
      const groupId = await s.group('g');
      await s.ask({ groups: [groupId, groupId, s.name('h')] });
    },
  ],
  ['none', async (s) => s.ask({ groups: [] })],
]);

/** Only this scenario's groups: the others run beside it. */
async function listedGroups(s: Session, request: Body): Promise<void> {
  const answer = await s.ask(request);
  if (!Array.isArray(answer.groups)) return;
  answer.groups = answer.groups.filter((group: { groupId: string }) => group.groupId.startsWith(s.name('')));
}

export const listGroups = cases('ListGroups', [
  [
    'all',
    async (s) => {
      await s.member(await s.group('g'));
      await listedGroups(s, {});
    },
  ],
  [
    'by state',
    async (s) => {
      await s.member(await s.group('g'));
      for (const state of ['Stable', 'stable', 'Empty', 'NoSuchState'])
        await listedGroups(s, { statesFilter: [state] });
    },
    { from: 4 },
  ],
  [
    'by type',
    async (s) => {
      await s.member(await s.group('g'));
      for (const type of ['classic', 'Classic', 'consumer', 'nosuchtype'])
        await listedGroups(s, { typesFilter: [type] });
    },
    { from: 5 },
  ],
]);

async function committedBefore(s: Session, groupId: string, partitions: readonly number[] = [0]): Promise<void> {
  const answer = await s.prepare(
    'OffsetCommit',
    {
      groupId,
      topics: [
        {
          name: s.name('t'),
          partitions: partitions.map((partitionIndex) => ({
            partitionIndex,
            committedOffset: 5 + partitionIndex,
            committedMetadata: 'm',
          })),
        },
      ],
    },
    9,
  );
  const { errorCode } = answer.topics[0].partitions[0];
  if (errorCode !== 0) throw new Error(`commit: ${errorCode}`);
}

export const deleteGroups = cases('DeleteGroups', [
  [
    'an empty group',
    async (s) => {
      await s.topic('t');
      const groupId = await s.group('g');
      await committedBefore(s, groupId);
      await s.ask({ groupsNames: [groupId] });
      await s.ask({ groupsNames: [groupId] });
    },
  ],
  [
    'a living group',
    async (s) => {
      const groupId = await s.group('g');
      await s.member(groupId);
      await s.ask({ groupsNames: [groupId] });
    },
  ],
  ['a group nobody knows', async (s) => s.ask({ groupsNames: [await s.group('g')] })],
  ['an empty group id', async (s) => s.ask({ groupsNames: [''] })],
  ['none', async (s) => s.ask({ groupsNames: [] })],
]);

const topicName = (s: Session, label: string, id: string, byIdFrom: number): Body =>
  s.version >= byIdFrom ? { topicId: id } : { name: s.name(label) };

const commit = (s: Session, groupId: string, id: string, options: Body = {}, partition: Body = {}) =>
  s.ask({
    groupId,
    ...options,
    topics: [
      {
        ...topicName(s, 't', id, 10),
        partitions: [{ partitionIndex: 0, committedOffset: 3, committedMetadata: 'note', ...partition }],
      },
    ],
  });

export const offsetCommit = cases('OffsetCommit', [
  [
    'outside a generation',
    async (s) => {
      const id = await s.topic('t');
      const groupId = await s.group('g');
      await commit(s, groupId, id);
      await s.observe(
        'OffsetFetch',
        { groups: [{ groupId, topics: [{ name: s.name('t'), partitionIndexes: [0] }] }] },
        9,
      );
    },
  ],
  [
    'by a member',
    async (s) => {
      const id = await s.topic('t');
      const groupId = await s.group('g');
      const { memberId, generationId } = await s.member(groupId);
      await commit(s, groupId, id, { memberId, generationIdOrMemberEpoch: generationId });
    },
  ],
  [
    'outside a generation of a living group',
    async (s) => {
      const id = await s.topic('t');
      const groupId = await s.group('g');
      await s.member(groupId);
      await commit(s, groupId, id);
    },
  ],
  [
    'a member nobody knows',
    async (s) => {
      const id = await s.topic('t');
      const groupId = await s.group('g');
      await s.member(groupId);
      await commit(s, groupId, id, { memberId: 'stranger', generationIdOrMemberEpoch: 1 });
    },
  ],
  [
    'a generation of the past',
    async (s) => {
      const id = await s.topic('t');
      const groupId = await s.group('g');
      const { memberId } = await s.member(groupId);
      await commit(s, groupId, id, { memberId, generationIdOrMemberEpoch: 0 });
    },
  ],
  [
    'a generation of a group nobody knows',
    async (s) => {
      const id = await s.topic('t');
      await commit(s, await s.group('g'), id, { memberId: 'm', generationIdOrMemberEpoch: 4 });
    },
  ],
  [
    'a static member with the id of another',
    async (s) => {
      const id = await s.topic('t');
      const groupId = await s.group('g');
      const { generationId } = await s.member(groupId, { instanceId: 'one' });
      await commit(s, groupId, id, {
        memberId: 'stranger',
        generationIdOrMemberEpoch: generationId,
        groupInstanceId: 'one',
      });
      await commit(s, groupId, id, {
        memberId: 'stranger',
        generationIdOrMemberEpoch: generationId,
        groupInstanceId: 'two',
      });
    },
    { from: 7 },
  ],
  [
    'metadata that is too long',
    async (s) => {
      const id = await s.topic('t');
      await commit(s, await s.group('g'), id, {}, { committedMetadata: 'x'.repeat(5000) });
    },
  ],
  [
    'null metadata',
    async (s) => {
      const id = await s.topic('t');
      await commit(s, await s.group('g'), id, {}, { committedMetadata: null });
    },
  ],
  [
    'an unknown partition',
    async (s) => {
      const id = await s.topic('t');
      await commit(s, await s.group('g'), id, {}, { partitionIndex: 7 });
    },
  ],
  ['an unknown topic', async (s) => commit(s, await s.group('g'), 'AAAAAAAAAAAAAAAAAAAAAQ')],
  [
    'a known topic beside an unknown one',
    async (s) => {
      const id = await s.topic('t');
      const partitions = [{ partitionIndex: 0, committedOffset: 3, committedMetadata: '' }];
      await s.ask({
        groupId: await s.group('g'),
        topics: [
          { ...topicName(s, 't', id, 10), partitions },
          { ...topicName(s, 'missing', 'AAAAAAAAAAAAAAAAAAAAAQ', 10), partitions },
        ],
      });
    },
  ],
  [
    'an empty group id',
    async (s) => {
      const id = await s.topic('t');
      await commit(s, '', id);
    },
  ],
  [
    'a negative offset',
    async (s) => {
      const id = await s.topic('t');
      await commit(s, await s.group('g'), id, {}, { committedOffset: -1 });
    },
  ],
  [
    'with a retention',
    async (s) => {
      const id = await s.topic('t');
      await commit(s, await s.group('g'), id, { retentionTimeMs: 100_000 });
    },
    { to: 4 },
  ],
  ['no topics', async (s) => s.ask({ groupId: await s.group('g') })],
  [
    'while members join',
    async (s) => {
      const id = await s.topic('t');
      const groupId = await s.group('g');
      const { memberId, generationId } = await s.member(groupId);
      const other = s.another();
      const required = await other.prepare('JoinGroup', { ...joinBody(s, groupId), rebalanceTimeoutMs: SESSION_MS });
      const joining = other.prepare('JoinGroup', {
        ...joinBody(s, groupId, { memberId: required.memberId }),
        rebalanceTimeoutMs: SESSION_MS,
      });
      await s.until(
        'DescribeGroups',
        () => ({ groups: [groupId] }),
        (r) => r.groups[0].groupState === 'PreparingRebalance',
      );
      await commit(s, groupId, id, { memberId, generationIdOrMemberEpoch: generationId });
      const leaving = s.prepare('LeaveGroup', { groupId, members: [{ memberId }] });
      await joining;
      await leaving;
      await commit(s, groupId, id, { memberId: required.memberId, generationIdOrMemberEpoch: generationId + 1 });
    },
  ],
]);

function wanted(
  s: Session,
  groupId: string,
  topics: readonly { name: string; id: string; partitionIndexes: number[] }[] | null,
  options: Body = {},
): Body {
  const list =
    topics?.map(({ name, id, partitionIndexes }) => ({
      ...(s.version >= 10 ? { topicId: id } : { name }),
      partitionIndexes,
    })) ?? null;
  return s.version >= 8 ? { groups: [{ groupId, topics: list, ...options }] } : { groupId, topics: list };
}

export const offsetFetch = cases('OffsetFetch', [
  [
    'committed offsets',
    async (s) => {
      const id = await s.topic('t', { partitions: 3 });
      const groupId = await s.group('g');
      await committedBefore(s, groupId, [0, 2]);
      await s.ask(wanted(s, groupId, [{ name: s.name('t'), id, partitionIndexes: [0, 1, 2, 9] }]));
    },
  ],
  [
    'everything committed',
    async (s) => {
      await s.topic('t', { partitions: 2 });
      const groupId = await s.group('g');
      await committedBefore(s, groupId, [0, 1]);
      await s.ask(wanted(s, groupId, null));
    },
    { from: 2 },
  ],
  [
    'a group nobody knows',
    async (s) => {
      const id = await s.topic('t');
      await s.ask(wanted(s, await s.group('g'), [{ name: s.name('t'), id, partitionIndexes: [0] }]));
    },
  ],
  [
    'an unknown topic',
    async (s) =>
      s.ask(
        wanted(s, await s.group('g'), [
          { name: s.name('missing'), id: 'AAAAAAAAAAAAAAAAAAAAAQ', partitionIndexes: [0] },
        ]),
      ),
  ],
  ['an empty group id', async (s) => s.ask(wanted(s, '', []))],
  ['no topics', async (s) => s.ask(wanted(s, await s.group('g'), []))],
  [
    'only stable ones',
    async (s) => {
      const id = await s.topic('t');
      const groupId = await s.group('g');
      await committedBefore(s, groupId);
      await s.ask({ ...wanted(s, groupId, [{ name: s.name('t'), id, partitionIndexes: [0] }]), requireStable: true });
    },
    { from: 7 },
  ],
  [
    'several groups',
    async (s) => {
      const id = await s.topic('t');
      const groupId = await s.group('g');
      await s.group('h');
      await committedBefore(s, groupId);
      const topics = [{ ...topicName(s, 't', id, 10), partitionIndexes: [0] }];
      await s.ask({
        groups: [
          { groupId, topics },
          { groupId: s.name('h'), topics },
        ],
      });
    },
    { from: 8 },
  ],
  [
    'a member and its epoch',
    async (s) => {
      const id = await s.topic('t');
      const groupId = await s.group('g');
      await committedBefore(s, groupId);
      await s.ask(
        wanted(s, groupId, [{ name: s.name('t'), id, partitionIndexes: [0] }], {
          memberId: 'stranger',
          memberEpoch: 4,
        }),
      );
      const { memberId, generationId } = await s.member(groupId);
      await s.ask(
        wanted(s, groupId, [{ name: s.name('t'), id, partitionIndexes: [0] }], { memberId, memberEpoch: generationId }),
      );
    },
    { from: 9 },
  ],
]);

const forgotten = (s: Session, groupId: string, topic: string, partitions = [0]) =>
  s.ask({ groupId, topics: [{ name: topic, partitions: partitions.map((partitionIndex) => ({ partitionIndex })) }] });

export const offsetDelete = cases('OffsetDelete', [
  [
    'of an empty group',
    async (s) => {
      await s.topic('t', { partitions: 2 });
      const groupId = await s.group('g');
      await committedBefore(s, groupId, [0, 1]);
      await forgotten(s, groupId, s.name('t'));
      await s.observe('OffsetFetch', { groups: [{ groupId, topics: null }] }, 9);
    },
  ],
  [
    'what was never committed',
    async (s) => {
      await s.topic('t', { partitions: 2 });
      const groupId = await s.group('g');
      await committedBefore(s, groupId);
      await forgotten(s, groupId, s.name('t'), [1, 7]);
    },
  ],
  [
    'a group nobody knows',
    async (s) => {
      await s.topic('t');
      await forgotten(s, await s.group('g'), s.name('t'));
    },
  ],
  [
    'an empty group id',
    async (s) => {
      await s.topic('t');
      await forgotten(s, '', s.name('t'));
    },
  ],
  [
    'an unknown topic',
    async (s) => {
      await s.topic('t');
      const groupId = await s.group('g');
      await committedBefore(s, groupId);
      await forgotten(s, groupId, s.name('missing'));
    },
  ],
  [
    'a topic that the group reads',
    async (s) => {
      await s.topic('t');
      await s.topic('u');
      const groupId = await s.group('g');
      await s.member(groupId, { metadata: subscription([s.name('t')]) });
      await forgotten(s, groupId, s.name('t'));
      await forgotten(s, groupId, s.name('u'));
    },
  ],
  [
    'a living group of another kind',
    async (s) => {
      await s.topic('t');
      const groupId = await s.group('g');
      await s.member(groupId, { protocolType: 'connect' });
      await forgotten(s, groupId, s.name('t'));
    },
  ],
]);

const coordinator = (s: Session, keys: readonly string[], keyType = 0) =>
  s.ask(s.version >= 4 ? { keyType, coordinatorKeys: keys } : { key: keys[0], ...(s.version >= 1 ? { keyType } : {}) });

export const findCoordinator = cases('FindCoordinator', [
  ['of a group', async (s) => coordinator(s, [await s.group('g')])],
  ['of several groups', async (s) => coordinator(s, [await s.group('g'), await s.group('h')]), { from: 4 }],
  [
    'of an empty name',
    async (s) => {
      await s.group('g');
      await coordinator(s, ['']);
    },
  ],
  ['of a kind that does not exist', async (s) => coordinator(s, [await s.group('g')], 9), { from: 1 }],
  ['of a share partition with a bad key', async (s) => coordinator(s, ['nonsense'], 2), { from: 6 }],
  ['of nothing', async (s) => coordinator(s, []), { from: 4 }],
]);

export const afterTime = cases('OffsetFetch', [
  [
    'of a topic that was deleted',
    async (s) => {
      await s.topic('t');
      await s.produce('t', someRecords(1));
      const groupId = await s.group('g');
      await committedBefore(s, groupId);
      await s.prepare('DeleteTopics', { timeoutMs: 5000, topics: [{ name: s.name('t') }] });
      await s.until(
        'Metadata',
        () => ({ topics: [{ name: s.name('t') }], allowAutoTopicCreation: false }),
        (r) => r.topics[0].errorCode === 3,
      );
      await pause(500);
      await s.ask(wanted(s, groupId, null));
    },
    { from: 2, to: 9 },
  ],
]);

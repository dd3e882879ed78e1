import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EMPTY_IMAGE, ImageBuilder, type MetadataRecord, neededInSync, type PartitionImage } from '../metadata/mod.ts';
import { type PartitionRules, type PartitionTarget, planPartitionChange } from './partition-change.ts';

const TOPIC = Buffer.alloc(16, 1).toString('base64url');
const DIRECTORY = Buffer.alloc(16, 2).toString('base64url');

function partition(change: Partial<PartitionImage> = {}): PartitionImage {
  const replicas = change.replicas ?? [1, 2, 3];
  return {
    partition: 0,
    replicas,
    directories: replicas.map(() => DIRECTORY),
    inSyncReplicas: replicas,
    eligibleLeaderReplicas: [],
    lastKnownEligible: [],
    removingReplicas: [],
    addingReplicas: [],
    leader: replicas[0] ?? -1,
    leaderEpoch: 5,
    partitionEpoch: 9,
    isRecovering: false,
    ...change,
  };
}

function rules(alive: readonly number[], change: Partial<PartitionRules> = {}): PartitionRules {
  return {
    topicId: TOPIC,
    mayLead: (id) => alive.includes(id),
    minInSyncReplicas: 2,
    election: 'online',
    directoryOf: () => DIRECTORY,
    hasDirectory: () => true,
    ...change,
  };
}

/** The partition once the record, if any, is applied as every broker applies it. */
function after(before: PartitionImage, planned: MetadataRecord | undefined): PartitionImage {
  const builder = new ImageBuilder(EMPTY_IMAGE);
  const record: MetadataRecord = {
    kind: 'Partition',
    partitionId: 0,
    topicId: TOPIC,
    replicas: [...before.replicas],
    isr: [...before.inSyncReplicas],
    removingReplicas: [...before.removingReplicas],
    addingReplicas: [...before.addingReplicas],
    leader: before.leader,
    leaderRecoveryState: before.isRecovering ? 1 : 0,
    leaderEpoch: before.leaderEpoch,
    partitionEpoch: before.partitionEpoch,
    directories: [...before.directories],
    eligibleLeaderReplicas: [...before.eligibleLeaderReplicas],
    lastKnownElr: [...before.lastKnownEligible],
  };
  const records = [{ kind: 'Topic' as const, name: 't', topicId: TOPIC }, record, ...(planned ? [planned] : [])];
  builder.apply({ controllerEpoch: 1, records }, 0);
  return builder.finish().image.topicsById.get(TOPIC)?.partitions[0] as PartitionImage;
}

const change = (before: PartitionImage, when: PartitionRules, target?: PartitionTarget): PartitionImage =>
  after(before, planPartitionChange(before, when, target));

describe('a leader goes', () => {
  test('the first in-sync replica that is alive leads under a new epoch', () => {
    const next = change(partition(), rules([2, 3]), { inSyncReplicas: [2, 3] });
    expect(next).toMatchObject({ leader: 2, leaderEpoch: 6, inSyncReplicas: [2, 3], eligibleLeaderReplicas: [] });
  });

  test('below min.insync.replicas those who leave may still lead, until enough are in sync again', () => {
    const one = change(partition({ inSyncReplicas: [1, 2] }), rules([1, 3]), { inSyncReplicas: [1] });
    expect(one).toMatchObject({ leader: 1, leaderEpoch: 5, inSyncReplicas: [1], eligibleLeaderReplicas: [2] });
    const none = change(one, rules([2, 3]), { inSyncReplicas: [] });
    expect(none).toMatchObject({ leader: 2, inSyncReplicas: [2], eligibleLeaderReplicas: [1], isRecovering: false });
    const both = change(none, rules([1, 2, 3]), { inSyncReplicas: [2, 1] });
    expect(both).toMatchObject({ leader: 2, inSyncReplicas: [2, 1], eligibleLeaderReplicas: [] });
  });

  test('one that restarted uncleanly is not eligible any more', () => {
    const before = partition({ inSyncReplicas: [1], eligibleLeaderReplicas: [2], leader: 1 });
    const next = change(before, rules([2]), { inSyncReplicas: [], uncleanReplicas: [1] });
    expect(next).toMatchObject({ leader: 2, inSyncReplicas: [2], eligibleLeaderReplicas: [] });
    const lost = change(next, rules([]), { inSyncReplicas: [], uncleanReplicas: [2] });
    expect(lost).toMatchObject({ leader: -1, inSyncReplicas: [], eligibleLeaderReplicas: [], lastKnownEligible: [2] });
  });
});

test('one that is elected where one is enough commits alone, so nobody else stays eligible', () => {
  const before = partition({ inSyncReplicas: [], eligibleLeaderReplicas: [1, 2], leader: -1, lastKnownEligible: [1] });
  const next = change(before, rules([2], { minInSyncReplicas: 1 }));
  expect(next).toMatchObject({ leader: 2, inSyncReplicas: [2], eligibleLeaderReplicas: [], isRecovering: false });
});

describe('the minimum of a partition', () => {
  test('is never above the replicas it has, and those that are being added do not count', () => {
    const alone = partition({ replicas: [1] });
    const growing = change(alone, rules([1, 2]), { replicas: [1, 2], adding: [2] });
    expect(growing).toMatchObject({ inSyncReplicas: [1], addingReplicas: [2] });
    // One of one is enough: what it commits alone the other does not have.
    expect(neededInSync(2, growing)).toBe(1);
    const joined = change(growing, rules([1, 2]), { inSyncReplicas: [1, 2] });
    expect([joined.addingReplicas, neededInSync(2, joined)]).toEqual([[], 2]);
  });

  test('is its own, whatever the first partition of its topic has', () => {
    const wide = partition({ replicas: [1, 2, 3], inSyncReplicas: [1, 2] });
    const next = change(wide, rules([1, 3], { minInSyncReplicas: 3 }), { inSyncReplicas: [1] });
    expect(next.eligibleLeaderReplicas).toEqual([2]);
  });
});

describe('everybody crashed', () => {
  const crashed = partition({ inSyncReplicas: [], leader: -1, lastKnownEligible: [2] });

  test('who led last leads again, recovering, and nobody else does', () => {
    expect(change(crashed, rules([1, 3]))).toMatchObject({ leader: -1, lastKnownEligible: [2] });
    const next = change(crashed, rules([1, 2, 3]));
    expect(next).toMatchObject({ leader: 2, inSyncReplicas: [2], isRecovering: true, lastKnownEligible: [] });
  });

  test('one whose disk is gone does not count for having led last', () => {
    const next = change(crashed, rules([2]), { uncleanReplicas: [2], emptyReplicas: [2] });
    expect(next).toMatchObject({ leader: -1, lastKnownEligible: [] });
    const leading = partition({ replicas: [1], inSyncReplicas: [1] });
    const wiped = change(leading, rules([]), { inSyncReplicas: [], uncleanReplicas: [1], emptyReplicas: [1] });
    expect(wiped).toMatchObject({ leader: -1, inSyncReplicas: [], lastKnownEligible: [] });
    expect(change(wiped, rules([1]))).toMatchObject({ leader: -1 });
  });

  test('a topic that accepts loss is led by any replica that is alive', () => {
    const next = change(crashed, rules([3], { election: 'unclean' }));
    expect(next).toMatchObject({ leader: 3, inSyncReplicas: [3], isRecovering: true });
  });
});

describe('reassignment', () => {
  const moving = partition({
    replicas: [4, 5, 1, 2],
    inSyncReplicas: [1, 2],
    addingReplicas: [4, 5],
    removingReplicas: [1, 2],
    leader: 1,
  });

  test('ends when all who stay are in sync, and the leader that leaves gives way', () => {
    expect(change(moving, rules([1, 2, 4, 5]), { inSyncReplicas: [1, 2, 4] })).toMatchObject({
      replicas: [4, 5, 1, 2],
      leader: 1,
    });
    expect(change(moving, rules([1, 2, 4, 5]), { inSyncReplicas: [1, 2, 4, 5] })).toMatchObject({
      replicas: [4, 5],
      inSyncReplicas: [4, 5],
      addingReplicas: [],
      removingReplicas: [],
      leader: 4,
      leaderEpoch: 6,
    });
  });

  test('takes who leaves out of the eligible, and who came in by it was never one', () => {
    const below = partition({ replicas: [1, 2, 3], inSyncReplicas: [1], eligibleLeaderReplicas: [2, 3] });
    const begun = change(below, rules([1, 4]), { replicas: [1, 4, 2, 3], adding: [4], removing: [2, 3] });
    expect(begun.eligibleLeaderReplicas).toEqual([2, 3]);
    const cancelled = change(begun, rules([1]), { replicas: [1, 3], adding: [], removing: [] });
    expect(cancelled).toMatchObject({ replicas: [1, 3], eligibleLeaderReplicas: [3] });
    const strange = partition({ replicas: [1, 2], inSyncReplicas: [1], eligibleLeaderReplicas: [4] });
    expect(change(strange, rules([1]), { replicas: [1, 4, 2], adding: [4] }).eligibleLeaderReplicas).toEqual([]);
  });

  test('a replica that leaves costs an epoch even when the leader stays', () => {
    const next = change(partition(), rules([1, 2, 3]), { replicas: [1, 2], inSyncReplicas: [1, 2] });
    expect(next).toMatchObject({ replicas: [1, 2], leader: 1, leaderEpoch: 6 });
  });
});

test('the preferred replica leads when it may, and the leader stays when it may not', () => {
  const away = partition({ leader: 2 });
  expect(change(away, rules([1, 2, 3], { election: 'preferred' }))).toMatchObject({ leader: 1, leaderEpoch: 6 });
  expect(planPartitionChange(away, rules([2, 3], { election: 'preferred' }))).toBeUndefined();
  const behind = partition({ leader: 2, inSyncReplicas: [2, 3] });
  expect(planPartitionChange(behind, rules([1, 2, 3], { election: 'preferred' }))).toBeUndefined();
});

const ids = fc.subarray([1, 2, 3, 4]);
test('whatever happens, the leader is in sync and alive, the sets are disjoint, and nothing is planned twice', () => {
  const step = fc.record({
    alive: ids,
    inSyncReplicas: fc.option(ids, { nil: undefined }),
    unclean: ids,
    election: fc.constantFrom('online' as const, 'preferred' as const, 'unclean' as const),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      let current = partition({ replicas: [1, 2, 3, 4] });
      for (const { alive, inSyncReplicas, unclean, election } of steps) {
        const when = rules(
          alive.filter((id) => !unclean.includes(id)),
          { election },
        );
        // As the controller asks: a set only shrinks here, and who crashed is taken out of it.
        const kept = current.inSyncReplicas.filter((id) => inSyncReplicas?.includes(id) ?? true);
        const target = { inSyncReplicas: kept.filter((id) => !unclean.includes(id)), uncleanReplicas: unclean };
        const next = change(current, when, target);
        if (next.leader >= 0) {
          expect(next.inSyncReplicas).toContain(next.leader);
          expect(when.mayLead(next.leader)).toBe(true);
        }
        expect(next.leaderEpoch).toBeGreaterThanOrEqual(current.leaderEpoch);
        if (next.leader !== current.leader) expect(next.leaderEpoch).toBe(current.leaderEpoch + 1);
        for (const id of next.eligibleLeaderReplicas) {
          expect(next.inSyncReplicas).not.toContain(id);
          expect(unclean).not.toContain(id);
        }
        if (next.inSyncReplicas.length >= 2) expect(next.eligibleLeaderReplicas).toEqual([]);
        const again = { inSyncReplicas: next.inSyncReplicas, uncleanReplicas: unclean };
        expect(planPartitionChange(next, when, again)).toBeUndefined();
        current = next;
      }
    }),
  );
});

const minimums = fc.constantFrom(1, 2, 3);
const happening = fc.oneof(
  fc.record({ kind: fc.constant('inSync' as const), inSync: ids, alive: ids }),
  fc.record({ kind: fc.constant('crash' as const), inSync: ids, alive: ids }),
  fc.record({ kind: fc.constant('reassign' as const), inSync: ids, alive: ids }),
  fc.record({ kind: fc.constant('cancel' as const), inSync: ids, alive: ids }),
  fc.record({ kind: fc.constant('minimum' as const), minimum: minimums }),
);

test('whatever is asked for, both sets are within the replicas, and nobody is eligible beside enough', () => {
  fc.assert(
    fc.property(minimums, fc.array(happening, { maxLength: 20 }), (first, happenings) => {
      let current = partition({ replicas: [1, 2, 3] });
      let minInSyncReplicas = first;
      for (const happens of happenings) {
        if (happens.kind === 'minimum') {
          minInSyncReplicas = happens.minimum;
          current = after(current, { kind: 'ClearElr', topicName: 't' });
        } else {
          const when = rules(happens.alive, { minInSyncReplicas });
          current = change(current, when, targetOf(current, happens.kind, happens.inSync));
        }
        const { replicas, inSyncReplicas, eligibleLeaderReplicas: eligible, leader } = current;
        for (const id of [...inSyncReplicas, ...eligible]) expect(replicas).toContain(id);
        for (const id of eligible) expect(inSyncReplicas).not.toContain(id);
        if (inSyncReplicas.length >= neededInSync(minInSyncReplicas, current)) expect(eligible).toEqual([]);
        if (leader >= 0) expect(inSyncReplicas).toContain(leader);
      }
    }),
  );
});

function targetOf(
  { replicas, inSyncReplicas, addingReplicas }: PartitionImage,
  kind: 'inSync' | 'crash' | 'reassign' | 'cancel',
  wanted: readonly number[],
): PartitionTarget {
  switch (kind) {
    case 'inSync':
      // A leader proposes, as long as there is one: it stays itself.
      return inSyncReplicas.length === 0
        ? {}
        : { inSyncReplicas: replicas.filter((id) => id === inSyncReplicas[0] || wanted.includes(id)) };
    case 'crash':
      return { inSyncReplicas: inSyncReplicas.filter((id) => !wanted.includes(id)), uncleanReplicas: wanted };
    case 'reassign': {
      if (wanted.length === 0) return {};
      const removing = replicas.filter((id) => !wanted.includes(id));
      return { replicas: [...wanted, ...removing], removing, adding: wanted.filter((id) => !replicas.includes(id)) };
    }
    case 'cancel': {
      const settled = (id: number): boolean => !addingReplicas.includes(id);
      const kept = { replicas: replicas.filter(settled), inSyncReplicas: inSyncReplicas.filter(settled) };
      return { ...kept, adding: [], removing: [] };
    }
  }
}

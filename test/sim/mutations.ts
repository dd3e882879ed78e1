/**
 * Guards that keep the cluster safe, and how to switch each off alone. The simulator must notice: a check that finds
 * nothing when a guard is gone proves nothing while it is there.
 *
 * A mutation is a change of one source text, made while the module loads; production code has no switch for it. Each
 * text must stand in its file exactly once, so that a guard that moved or changed fails loudly here.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

export interface Mutation {
  readonly name: string;
  /** What no longer holds. */
  readonly guard: string;
  readonly changes: readonly { readonly file: string; readonly find: string; readonly replace: string }[];
}

const root = new URL('../../', import.meta.url);

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'unclean-restart',
    guard: 'an unclean restart leaves every in-sync set and every set of eligible leaders',
    changes: [
      {
        file: 'broker/controller/brokers.ts',
        find: 'const isClean = known !== undefined && registration.previousEpoch === known.epoch;',
        replace: 'const isClean = true;',
      },
      {
        file: 'broker/controller/brokers.ts',
        find: '      inSyncReplicas: without(partition.inSyncReplicas, brokerId),\n      ...(isClean',
        replace: '      inSyncReplicas: partition.inSyncReplicas,\n      ...(isClean',
      },
      {
        file: 'broker/controller/brokers.ts',
        find: 'const rules = rulesOf(image, topic, options.rules, { leaving: brokerId });\n    const chooseHere',
        replace: 'const rules = rulesOf(image, topic, options.rules, { arriving: brokerId });\n    const chooseHere',
      },
    ],
  },
  {
    name: 'eligible-under-a-minimum',
    guard: 'a change of min.insync.replicas forgets who was eligible under the old one',
    changes: [
      {
        file: 'broker/controller/configs.ts',
        find: 'records.push(...next.records, ...forgetEligible(next.records));',
        replace: 'records.push(...next.records);',
      },
    ],
  },
  {
    name: 'broker-epoch-of-members',
    guard: 'an in-sync proposal is taken only with the incarnations that fetched',
    changes: [
      {
        file: 'broker/controller/alter-partition.ts',
        find: 'return member.brokerEpoch === -1 || member.brokerEpoch === broker.epoch;',
        replace: 'return true;',
      },
    ],
  },
  {
    name: 'maximal-in-sync-set',
    guard: 'whoever is being added, and whoever is being removed, counts for the high watermark',
    changes: [
      {
        file: 'broker/replication/leadership.ts',
        find:
          'counts: (follower) => this.inSync.has(follower.nodeId) || this.mayCatchUp(follower, ' +
          'log.logEndOffset, view()),',
        replace:
          'counts: (follower) => (this.inSync.pending?.newInSyncReplicas.map(({ brokerId }) => brokerId) ?? ' +
          'this.inSync.committed).includes(follower.nodeId),',
      },
    ],
  },
  {
    name: 'epoch-of-fetch',
    // Two guards in one: either alone keeps a follower with another history from counting, because the epoch of what it
    // fetched last (KIP-595) tells the histories apart whatever epoch it believes its leader to have (KIP-320).
    guard: 'a fetch counts only under the epoch that both know, and for a history that both have',
    changes: [
      {
        file: 'broker/replication/replica.ts',
        find:
          'const errorCode = this.checkEpoch(leaderEpoch);\n    if (errorCode !== ErrorCode.NONE) ' +
          'return errorCode;',
        replace: 'if (!this.isLeader) return ErrorCode.NOT_LEADER_OR_FOLLOWER;',
      },
      {
        file: 'broker/replication/follower-session.ts',
        find: 'const diverging = replica.findDivergence(request);',
        replace: 'const diverging = undefined;',
      },
    ],
  },
  {
    name: 'epoch-of-produce',
    guard: 'a produce that waits for its commit is refused when the term of its leader ends',
    changes: [
      {
        file: 'broker/replication/replica.ts',
        find: 'this.commitWaiters.failAll(ErrorCode.NOT_LEADER_OR_FOLLOWER);\n  }\n\n  private leadershipMoved',
        replace: '}\n\n  private leadershipMoved',
      },
    ],
  },
  {
    name: 'epoch-of-alter-partition',
    guard: 'an in-sync proposal is taken only from the leader of the current epoch that knows the latest state',
    changes: [
      {
        file: 'broker/controller/alter-partition.ts',
        find: 'if (leaderEpoch < partition.leaderEpoch) return ErrorCode.FENCED_LEADER_EPOCH;',
        replace: '',
      },
      {
        file: 'broker/controller/alter-partition.ts',
        find: 'if (partition.leader !== brokerId) return ErrorCode.INVALID_REQUEST;',
        replace: '',
      },
      {
        file: 'broker/controller/alter-partition.ts',
        find: 'if (partitionEpoch < partition.partitionEpoch) return ErrorCode.INVALID_UPDATE_VERSION;',
        replace: '',
      },
    ],
  },
  {
    name: 'truncation-by-epoch',
    guard: 'a follower cuts its log where the histories part, not at its high watermark',
    changes: [
      {
        file: 'broker/replication/replica.ts',
        find:
          'if (state.leader !== this.context.nodeId) {\n      this.leadershipMoved();\n      return ' +
          'undefined;\n    }',
        replace:
          'if (state.leader !== this.context.nodeId) {\n      this.leadershipMoved();\n' +
          '      return this.log.truncateTo(this.log.highWatermark);\n    }',
      },
    ],
  },
  {
    name: 'offset-once',
    guard: 'an offset of the metadata log is taken once for ever, across trims',
    changes: [
      {
        file: 'broker/coordination/memory-store.ts',
        find: 'if (offset !== this.state.end) throw offsetConflict(offset, this.state.end);',
        replace:
          'if (offset < this.state.trimmedBelow) { this.state.batches.set(offset, Buffer.from(payload)); return; }\n' +
          '      if (offset !== this.state.end) throw offsetConflict(offset, this.state.end);',
      },
    ],
  },
  {
    name: 'one-append-in-flight',
    guard: 'a batch is appended at the offset that its decisions were based on',
    changes: [
      {
        file: 'broker/controller/controller.ts',
        find: 'await this.writer.append(offset++, payload, loader.image);',
        replace:
          'await this.writer.append(Math.max(offset++, await this.options.store.end()), payload, ' + 'loader.image);',
      },
    ],
  },
  {
    name: 'answer-after-append',
    guard: 'nothing is answered before its batch is known to be in the log',
    changes: [
      {
        file: 'broker/controller/controller.ts',
        find: 'for (const payload of payloads) {',
        replace:
          'for (const { item, result } of decided) item.resolve(result);\n        for (const payload of payloads) {',
      },
    ],
  },
  {
    name: 'claim-record',
    guard: 'whoever leads has claimed the log',
    changes: [
      {
        file: 'broker/controller/controller.ts',
        find: 'await this.writer.append(image.nextOffset, encodeBatch({ controllerEpoch, records }), image);',
        replace:
          "if (image.clusterId === '') await this.writer.append(0, encodeBatch({ controllerEpoch, " +
          'records }), image);',
      },
      {
        file: 'broker/controller/controller.ts',
        find:
          "if (loader.image.controllerEpoch !== controllerEpoch) return this.stepDown('another " +
          "broker claimed the log');",
        replace: '',
      },
    ],
  },
  {
    name: 'store-gone-back',
    guard: 'a store that was put back to an earlier time is not followed',
    changes: [
      {
        file: 'broker/metadata/loader.ts',
        find: 'if (known !== undefined) {',
        replace: 'if (known !== undefined && known.length > 0) {',
      },
      {
        file: 'broker/metadata/loader.ts',
        find: "if (await this.wasPassedOver()) return undefined;\n      throw wentBack('differs from', nextOffset);",
        replace: 'return batches;',
      },
      {
        file: 'broker/metadata/loader.ts',
        find: "if (relation === 'apart') throw wentBack('differs from', this.published.nextOffset);",
        replace: '',
      },
      {
        file: 'broker/metadata/loader.ts',
        find: "if ((await this.store.end()) < nextOffset) throw wentBack('ends before', nextOffset);",
        replace:
          'if ((await this.store.end()) < nextOffset) {\n' +
          '        this.published = { ...this.published, nextOffset: await this.store.end() };\n' +
          '        this.lastPayload = undefined;\n      }',
      },
    ],
  },
  {
    name: 'empty-disk',
    guard: 'a broker whose disk is gone does not count for having led last',
    changes: [
      {
        file: 'broker/controller/brokers.ts',
        find: '...(isEmpty ? { uncleanReplicas: [brokerId], emptyReplicas: [brokerId] } : {}),',
        replace: '',
      },
    ],
  },
  {
    name: 'visible-once-written',
    guard: 'what is not written yet is not shown',
    changes: [
      {
        file: 'broker/log/partition-log.ts',
        find: 'this.stagedEnd = lastOffset + 1;\n    this.queue',
        replace: 'this.stagedEnd = lastOffset + 1;\n    this.publish(this.stagedEnd);\n    this.queue',
      },
    ],
  },
  {
    name: 'member-of-commit',
    // Two guards in one: who stays a member joins every generation, so an old generation tells of who is none any more.
    guard: 'a commit is taken only from a member, and for its current generation',
    changes: [
      {
        file: 'broker/groups/group.ts',
        find:
          'if (errorCode !== ErrorCode.NONE) return errorCode;\n      ' +
          'if (generationId !== this.generationId) return ErrorCode.ILLEGAL_GENERATION;',
        replace: 'if (errorCode === -1) return errorCode;',
      },
    ],
  },
  {
    name: 'permit-of-an-epoch',
    guard: 'a permit to stop belongs to one incarnation',
    changes: [
      {
        file: 'broker/controller/stop-permits.ts',
        find: 'if (held?.brokerEpoch === brokerEpoch) return isOfPod(held, podUid)',
        replace: 'if (held !== undefined) return isOfPod(held, podUid)',
      },
    ],
  },
];

/** Changes the sources of modules that are loaded from now on. Throws when a text is not there exactly once. */
export function mutate({ name, changes }: Mutation): void {
  for (const { file, find } of changes) {
    const count = readFileSync(fileURLToPath(new URL(file, root)), 'utf8').split(find).length - 1;
    if (count !== 1) throw new Error(`mutation ${name}: its text stands ${count} times in ${file}, not once`);
  }
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const mine = changes.filter(({ file }) => new URL(file, root).href === url);
      if (mine.length === 0) return loaded;
      let source = String(loaded.source);
      for (const { find, replace } of mine) source = source.replace(find, () => replace);
      return { ...loaded, source };
    },
  });
}

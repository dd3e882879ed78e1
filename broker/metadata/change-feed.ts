/**
 * Changes that somebody asked for, as the metadata log tells them: what was changed, by whom, from where. Each broker
 * keeps the newest, so that a subscriber may ask any of them; one that fell too far behind has to look at the whole
 * state again.
 */
import type { MetadataImage } from './image.ts';
import type { MetadataRecord, RecordOf } from './records.ts';

const CHANGES_MAX = 10_000;

export interface Change {
  /** Offset of the batch that made it. */
  readonly offset: number;
  readonly principal: string;
  readonly host: string;
  readonly clientId: string | null;
  readonly requestApiKey: number;
  readonly resourceType: 'topic' | 'config' | 'quota' | 'user' | 'acl';
  /** A topic's or user's name; `type/name` of a config's resource; `type=name` pairs of a quota's entity. */
  readonly resourceName: string;
  readonly topicId: string | null;
  readonly change: 'created' | 'deleted' | 'altered';
}

interface Origin {
  readonly of: RecordOf<'ChangeOrigin'>;
  left: number;
}

export class ChangeFeed {
  private changes: Change[] = [];
  /** Changes of batches from here on are all kept. */
  private keptFrom = 0;
  private next = 0;
  /** Who asked for the next records, and for how many: a large change goes on in later batches. */
  private origin: Origin | undefined;
  /** Of a change over several batches, which happens all at once with the last of them. */
  private unfinished: Change[] | undefined;
  private readonly waiting = new Set<() => void>();

  /** The first offset that is not in the feed yet. */
  get nextOffset(): number {
    return this.next;
  }

  /** Takes one batch; `before` is the image that it changed. */
  take(offset: number, records: readonly MetadataRecord[], before: MetadataImage): void {
    for (const record of records) {
      switch (record.kind) {
        case 'ChangeOrigin':
          this.origin = { of: record, left: record.recordCount };
          break;
        case 'BeginTransaction':
          this.unfinished = [];
          break;
        case 'EndTransaction':
          for (const change of this.unfinished?.splice(0) ?? []) this.keep({ ...change, offset });
          this.unfinished = undefined;
          break;
        // What an earlier controller did not write to the end never happened.
        case 'AbortTransaction':
        case 'RegisterController':
          this.forget();
          break;
        default:
          this.takeRecord(offset, record, before);
      }
    }
    this.next = offset + 1;
    for (const wake of [...this.waiting]) wake();
  }

  private forget(): void {
    this.origin = undefined;
    this.unfinished = undefined;
  }

  private takeRecord(offset: number, record: MetadataRecord, before: MetadataImage): void {
    const { origin } = this;
    if (origin === undefined || origin.left === 0) return;
    origin.left -= 1;
    const what = changeOf(record, before);
    if (what === undefined) return;
    const { principal, host, clientId, requestApiKey } = origin.of;
    const change = { offset, principal, host, clientId, requestApiKey, ...what };
    if (this.unfinished === undefined) this.keep(change);
    else this.unfinished.push(change);
  }

  /** A snapshot took the place of batches that were never seen. */
  skipTo(offset: number): void {
    this.changes = [];
    this.forget();
    this.keptFrom = offset;
    this.next = offset;
    for (const wake of [...this.waiting]) wake();
  }

  /** Changes of batches from `offset` on, oldest first; undefined when some of them are no longer kept. */
  from(offset: number): readonly Change[] | undefined {
    if (offset < this.keptFrom) return undefined;
    return this.changes.filter((change) => change.offset >= offset);
  }

  /** Calls `wake` once, when another batch was taken; returns how to stop waiting. */
  onNext(wake: () => void): () => void {
    const once = (): void => {
      this.waiting.delete(once);
      wake();
    };
    this.waiting.add(once);
    return () => this.waiting.delete(once);
  }

  private keep(change: Change): void {
    const last = this.changes.at(-1);
    const isSame =
      last?.offset === change.offset &&
      last.resourceType === change.resourceType &&
      last.resourceName === change.resourceName &&
      last.change === change.change;
    if (isSame) return;
    this.changes.push(change);
    if (this.changes.length <= CHANGES_MAX) return;
    const dropped = this.changes.splice(0, this.changes.length - CHANGES_MAX / 2);
    this.keptFrom = (dropped.at(-1)?.offset ?? 0) + 1;
    this.changes = this.changes.filter((each) => each.offset >= this.keptFrom);
  }
}

function changeOf(
  record: MetadataRecord,
  before: MetadataImage,
): Pick<Change, 'resourceType' | 'resourceName' | 'topicId' | 'change'> | undefined {
  const ofTopic = (topicId: string, change: Change['change']) => {
    const resourceName = before.topicsById.get(topicId)?.name;
    return resourceName === undefined ? undefined : { resourceType: 'topic' as const, resourceName, topicId, change };
  };
  switch (record.kind) {
    case 'Topic':
      return { resourceType: 'topic', resourceName: record.name, topicId: record.topicId, change: 'created' };
    case 'RemoveTopic':
      return ofTopic(record.topicId, 'deleted');
    case 'Partition':
    case 'PartitionChange':
      return ofTopic(record.topicId, 'altered');
    case 'Config':
      return {
        resourceType: 'config',
        resourceName: `${record.resourceType}/${record.resourceName}`,
        topicId: before.topicsByName.get(record.resourceName)?.id ?? null,
        change: 'altered',
      };
    case 'ClientQuota': {
      const resourceName = record.entity
        .map((each) => `${each.entityType}=${each.entityName ?? '<default>'}`)
        .join(',');
      return { resourceType: 'quota', resourceName, topicId: null, change: 'altered' };
    }
    case 'UserScramCredential':
    case 'RemoveUserScramCredential':
      return { resourceType: 'user', resourceName: record.name, topicId: null, change: 'altered' };
    case 'AccessControlEntry':
    case 'RemoveAccessControlEntry':
      return { resourceType: 'acl', resourceName: record.id, topicId: null, change: 'altered' };
    default:
      return undefined;
  }
}

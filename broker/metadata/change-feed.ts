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

export class ChangeFeed {
  private changes: Change[] = [];
  /** Changes of batches from here on are all kept. */
  private keptFrom = 0;
  private next = 0;
  private readonly waiting = new Set<() => void>();

  /** The first offset that is not in the feed yet. */
  get nextOffset(): number {
    return this.next;
  }

  /** Takes one batch; `before` is the image that it changed. */
  take(offset: number, records: readonly MetadataRecord[], before: MetadataImage): void {
    let origin: RecordOf<'ChangeOrigin'> | undefined;
    for (const record of records) {
      if (record.kind === 'ChangeOrigin') origin = record;
      else if (origin !== undefined) this.add(offset, record, origin, before);
    }
    this.next = offset + 1;
    for (const wake of [...this.waiting]) wake();
  }

  /** A snapshot took the place of batches that were never seen. */
  skipTo(offset: number): void {
    this.changes = [];
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

  private add(
    offset: number,
    record: MetadataRecord,
    { principal, host, clientId, requestApiKey }: RecordOf<'ChangeOrigin'>,
    before: MetadataImage,
  ): void {
    const what = changeOf(record, before);
    const last = this.changes.at(-1);
    if (what === undefined) return;
    const isSame = last?.offset === offset && last.resourceName === what.resourceName && last.change === what.change;
    if (isSame && last.resourceType === what.resourceType) return;
    this.changes.push({ offset, principal, host, clientId, requestApiKey, ...what });
    if (this.changes.length <= CHANGES_MAX) return;
    const dropped = this.changes.splice(0, this.changes.length - CHANGES_MAX / 2);
    this.keptFrom = (dropped.at(-1)?.offset ?? 0) + 1;
    this.changes = this.changes.filter((change) => change.offset >= this.keptFrom);
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

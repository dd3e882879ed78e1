/**
 * The kinds that the store keeps its state in, and the names of their objects. One log has one name: that of its lease.
 *
 * A batch lives in one of 256 slots, the one of its offset modulo 256. The offset is in a label too, so that the end of
 * the log can be found from metadata alone. None of these objects has an owner: whatever is deleted around them, they
 * stay.
 */
import { type SnapshotName, unavailable } from '../store.ts';
import type { ApiObject, ObjectMetadata } from './api.ts';

export const SLOTS = 256;
const API_VERSION = 'ottla.dev/v1alpha1';
const LOG_LABEL = 'ottla.dev/log';
const OFFSET_LABEL = 'ottla.dev/offset';
const SLOT_DIGITS = 3;
const OFFSET_DIGITS = 16;

/** What `kubectl get` shows of a batch to people. */
export interface BatchSummary {
  readonly controllerEpoch: number;
  readonly summary: string;
}

export interface Slot extends ApiObject {
  readonly spec: BatchSummary & { readonly offset: number; readonly payload: string };
}

export interface SnapshotPart extends ApiObject {
  readonly spec: SnapshotName & { readonly chunk: number; readonly part: number; readonly payload: string };
}

export interface Manifest extends ApiObject {
  readonly spec: SnapshotName & {
    /** Names of the parts of each chunk, in order. */
    readonly chunks: readonly (readonly string[])[];
    readonly previous?: SnapshotName;
  };
}

export interface LeaseObject extends ApiObject {
  readonly spec: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds: number;
    readonly leaseTransitions: number;
    readonly renewTime: string;
  };
}

export class LogObjects {
  readonly slots: string;
  readonly snapshots: string;
  readonly manifests: string;
  readonly leases: string;
  readonly namespace: string;
  readonly log: string;

  constructor(namespace: string, log: string) {
    this.namespace = namespace;
    this.log = log;
    const own = `/apis/${API_VERSION}/namespaces/${namespace}`;
    this.slots = `${own}/metadataslots`;
    this.snapshots = `${own}/metadatasnapshots`;
    this.manifests = `${own}/metadatamanifests`;
    this.leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  }

  get labelSelector(): string {
    return `${LOG_LABEL}=${this.log}`;
  }

  slotPath(offset: number): string {
    return `${this.slots}/${this.slotName(offset)}`;
  }

  snapshotPath(name: string): string {
    return `${this.snapshots}/${name}`;
  }

  get manifestPath(): string {
    return `${this.manifests}/${this.log}`;
  }

  get leasePath(): string {
    return `${this.leases}/${this.log}`;
  }

  private slotName(offset: number): string {
    return `${this.log}-${String(offset % SLOTS).padStart(SLOT_DIGITS, '0')}`;
  }

  slot(options: {
    readonly offset: number;
    readonly payload: Buffer;
    readonly summary: BatchSummary;
    readonly resourceVersion: string | undefined;
  }): Slot {
    const { offset, payload, summary, resourceVersion } = options;
    const labels = { [OFFSET_LABEL]: String(offset) };
    return {
      apiVersion: API_VERSION,
      kind: 'MetadataSlot',
      metadata: this.metadata(this.slotName(offset), resourceVersion, labels),
      spec: { offset, ...summary, payload: payload.toString('base64') },
    };
  }

  snapshotPartName({ offset, controllerEpoch }: SnapshotName, chunk: number, part: number): string {
    return `${this.log}-${String(offset).padStart(OFFSET_DIGITS, '0')}-${controllerEpoch}-${chunk}-${part}`;
  }

  /** Which snapshot a part is of; undefined when the name is not of that shape. */
  snapshotOfPart(name: string): SnapshotName | undefined {
    const match = /^(\d+)-(\d+)-\d+-\d+$/.exec(name.slice(this.log.length + 1));
    return match === null ? undefined : { offset: Number(match[1]), controllerEpoch: Number(match[2]) };
  }

  snapshotPart(snapshot: SnapshotName, chunk: number, part: number, payload: Buffer): SnapshotPart {
    const { offset, controllerEpoch } = snapshot;
    return {
      apiVersion: API_VERSION,
      kind: 'MetadataSnapshot',
      metadata: this.metadata(this.snapshotPartName(snapshot, chunk, part), undefined),
      spec: { offset, controllerEpoch, chunk, part, payload: payload.toString('base64') },
    };
  }

  manifest(spec: Manifest['spec'], resourceVersion: string | undefined): Manifest {
    const metadata = this.metadata(this.log, resourceVersion);
    return { apiVersion: API_VERSION, kind: 'MetadataManifest', metadata, spec };
  }

  lease(spec: LeaseObject['spec'], resourceVersion: string | undefined): LeaseObject {
    const metadata = this.metadata(this.log, resourceVersion);
    return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
  }

  private metadata(
    name: string,
    resourceVersion: string | undefined,
    labels: Readonly<Record<string, string>> = {},
  ): ObjectMetadata {
    return {
      name,
      namespace: this.namespace,
      labels: { [LOG_LABEL]: this.log, ...labels },
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    };
  }
}

/** The offset that a slot says it holds, from its metadata. */
export function offsetOf({ metadata }: ApiObject): number {
  const offset = Number(metadata.labels?.[OFFSET_LABEL] ?? Number.NaN);
  if (!Number.isSafeInteger(offset)) throw unavailable(`the slot ${metadata.name} lost its label ${OFFSET_LABEL}`);
  return offset;
}

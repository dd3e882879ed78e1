/**
 * Snapshots as objects: parts that are created and never changed, then a manifest that names them and only moves
 * forward. The previous snapshot stays, for whoever is reading it. These are the only objects that are ever deleted.
 */
import {
  BATCH_BYTES_MAX,
  isNewerSnapshot,
  type Snapshot,
  type SnapshotName,
  snapshotConflict,
  unavailable,
} from '../store.ts';
import type { WriteBudget } from '../write-budget.ts';
import type { KubernetesApi } from './api.ts';
import type { LogObjects, Manifest, SnapshotPart } from './objects.ts';

/** Parts go when two newer snapshots came while one was read; not again and again. */
const READ_TRIES = 5;

export class SnapshotObjects {
  private readonly api: KubernetesApi;
  private readonly objects: LogObjects;
  private readonly budget: WriteBudget;

  constructor(api: KubernetesApi, objects: LogObjects, budget: WriteBudget) {
    this.api = api;
    this.objects = objects;
    this.budget = budget;
  }

  manifest(): Promise<Manifest | undefined> {
    return this.api.get<Manifest>(this.objects.manifestPath);
  }

  async write(snapshot: Snapshot): Promise<void> {
    const { objects, api } = this;
    const current = await this.manifest();
    if (current !== undefined && !isNewerSnapshot(snapshot, current.spec)) {
      throw snapshotConflict(snapshot, current.spec);
    }
    const chunks: string[][] = [];
    for (const [index, chunk] of snapshot.chunks.entries()) chunks.push(await this.writeChunk(snapshot, index, chunk));
    const { offset, controllerEpoch } = snapshot;
    const previous =
      current === undefined
        ? {}
        : { previous: { offset: current.spec.offset, controllerEpoch: current.spec.controllerEpoch } };
    const manifest = objects.manifest(
      { offset, controllerEpoch, chunks, ...previous },
      current?.metadata.resourceVersion,
    );
    const outcome =
      current === undefined
        ? await api.create(objects.manifests, manifest)
        : await api.update(objects.manifestPath, manifest);
    if (outcome.kind === 'conflict') throw snapshotConflict(snapshot, (await this.manifest())?.spec ?? snapshot);
    if (current !== undefined) await this.removeBefore(current.spec);
  }

  private async writeChunk(snapshot: SnapshotName, chunk: number, bytes: Buffer): Promise<string[]> {
    const names: string[] = [];
    for (let at = 0, part = 0; at === 0 || at < bytes.length; at += BATCH_BYTES_MAX, part++) {
      const object = this.objects.snapshotPart(snapshot, chunk, part, bytes.subarray(at, at + BATCH_BYTES_MAX));
      const { name } = object.metadata;
      this.budget.spend(object.spec.payload.length);
      const outcome = await this.api.create(this.objects.snapshots, object);
      // It may be there from an earlier attempt of the same controller.
      if (outcome.kind === 'conflict' && (await this.part(name))?.spec.payload !== object.spec.payload) {
        throw snapshotConflict(snapshot, snapshot);
      }
      names.push(name);
    }
    return names;
  }

  /** Only what is older than the previous snapshot: a newer one may be another controller's that is being written. */
  private async removeBefore(previous: SnapshotName): Promise<void> {
    const parts = await this.api.listMetadata(this.objects.snapshots, this.objects.labelSelector);
    for (const { metadata } of parts) {
      const snapshot = this.objects.snapshotOfPart(metadata.name);
      if (snapshot === undefined || !isNewerSnapshot(previous, snapshot)) continue;
      await this.api.remove(this.objects.snapshotPath(metadata.name));
    }
  }

  private part(name: string): Promise<SnapshotPart | undefined> {
    return this.api.get<SnapshotPart>(this.objects.snapshotPath(name));
  }

  async read(): Promise<Snapshot | undefined> {
    for (let tries = 0; tries < READ_TRIES; tries++) {
      const manifest = await this.manifest();
      if (manifest === undefined) return undefined;
      const { offset, controllerEpoch } = manifest.spec;
      const chunks: Buffer[] = [];
      for (const names of manifest.spec.chunks) {
        const parts: Buffer[] = [];
        for (const name of names) {
          const part = await this.part(name);
          if (part !== undefined) parts.push(Buffer.from(part.spec.payload, 'base64'));
        }
        if (parts.length === names.length) chunks.push(Buffer.concat(parts));
      }
      if (chunks.length === manifest.spec.chunks.length) return { offset, controllerEpoch, chunks };
    }
    throw unavailable('parts of the snapshot are missing');
  }
}

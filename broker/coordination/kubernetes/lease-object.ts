/**
 * The controller's lease as a Lease of Kubernetes, in its own fields, so that `kubectl get lease` shows who leads.
 * `renewTime` is for people: nobody here compares it with a clock.
 */
import type { Clock } from '../../std/mod.ts';
import type { LeaseRegister, LeaseTerms } from '../lease-election.ts';
import { type Lease, unavailable } from '../store.ts';
import type { KubernetesApi } from './api.ts';
import type { LeaseObject, LogObjects } from './objects.ts';

export function leaseRegister(api: KubernetesApi, objects: LogObjects, clock: Clock): LeaseRegister {
  const read = async (): Promise<Lease | undefined> => {
    const object = await api.get<LeaseObject>(objects.leasePath);
    return object === undefined ? undefined : leaseOf(object);
  };
  return {
    read,
    async swap(from, next) {
      const object = objects.lease(specOf(next, clock.nowMs()), from?.version);
      const outcome =
        from === undefined ? await api.create(objects.leases, object) : await api.update(objects.leasePath, object);
      if (outcome.kind === 'written') return leaseOf(outcome.object);
      const current = await read();
      if (current === undefined) throw unavailable('the lease was deleted while it was taken');
      return current;
    },
  };
}

export function leaseOf({ metadata, spec }: LeaseObject): Lease {
  return {
    holder: spec.holderIdentity ?? '',
    epoch: spec.leaseTransitions,
    durationMs: spec.leaseDurationSeconds * 1000,
    version: metadata.resourceVersion ?? '',
  };
}

function specOf({ holder, epoch, durationMs }: LeaseTerms, nowMs: number): LeaseObject['spec'] {
  return {
    // Kubernetes refuses an empty holder; a lease that was given up has none.
    ...(holder === '' ? {} : { holderIdentity: holder }),
    leaseDurationSeconds: Math.max(1, Math.ceil(durationMs / 1000)),
    leaseTransitions: epoch,
    // A MicroTime has six digits after the point.
    renewTime: new Date(nowMs).toISOString().replace('Z', '000Z'),
  };
}

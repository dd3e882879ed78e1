/**
 * What is done to a cluster under load. Each fault breaks something, waits as long as the fault lasts, and mends it;
 * whether all came back, and what was lost meanwhile, is judged by others.
 */
import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { RedisServer } from '../stores/redis-server.ts';
import { mustRun } from '../support/command.ts';
import { pause } from '../support/real-world.ts';
import { NODE_IDS } from './broker-group.ts';
import type { Cluster } from './cluster.ts';
import { GOOD_LINK } from './tcp-proxy.ts';

export const SESSION_TIMEOUT_MS = 6000;
/** Longer than a session and than the lease of the controller. */
const FREEZE_MS = SESSION_TIMEOUT_MS + 2000;
/** A killed broker stays away this long: survivors must carry on without it. */
const AWAY_MS = 1000;
const CUT_MS = 8000;
const SLOW_MS = 5000;
const SLOW_DELAY_MS = 100;
const STORE_AWAY_MS = 8000;
const DISK_FULL_MS = 3000;
const DISK_BYTES = 48 * 1024 * 1024;
const BALLAST_STEP_BYTES = 64 * 1024;

export interface World {
  readonly cluster: Cluster;
  /** The Redis, where brokers agree through one. */
  readonly redis: RedisServer | undefined;
}

export interface Fault {
  readonly name: string;
  readonly title: string;
  /** How often, unless the command line says otherwise: what takes long is done once. */
  readonly rounds: number;
  /** Goals for the longest time without an acknowledgement on any partition. */
  readonly goal?: { readonly medianMs: number; readonly worstMs: number };
  /** The controller leads nothing when it begins. */
  readonly sparesController?: boolean;
  readonly isProxied?: boolean;
  readonly hasSmallDisk?: boolean;
  readonly needsRoot?: boolean;
  inflict(world: World): Promise<void>;
}

/** A broker that leads and does not decide, or one that does not lead either. */
async function someFollower(cluster: Cluster): Promise<number> {
  const controllerId = await cluster.group.controllerId();
  return NODE_IDS.find((id) => id !== controllerId) as number;
}

async function killFor(cluster: Cluster, id: number, awayMs: number): Promise<void> {
  await cluster.process(id).signal('SIGKILL');
  await pause(awayMs);
  await cluster.process(id).run();
}

async function freezeFor(cluster: Cluster, id: number, frozenMs: number): Promise<void> {
  cluster.process(id).freeze();
  await pause(frozenMs);
  cluster.process(id).thaw();
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'kill-leader',
    title: 'kill -9 of a broker that leads and is not the controller',
    rounds: 10,
    goal: { medianMs: 1000, worstMs: 2000 },
    async inflict({ cluster }) {
      await killFor(cluster, await someFollower(cluster), AWAY_MS);
    },
  },
  {
    name: 'kill-controller',
    title: 'kill -9 of the controller, which leads nothing',
    rounds: 5,
    sparesController: true,
    goal: { medianMs: 1000, worstMs: 2000 },
    async inflict({ cluster }) {
      await killFor(cluster, await cluster.group.controllerId(), AWAY_MS);
    },
  },
  {
    name: 'kill-controller-leader',
    title: 'kill -9 of the controller, which leads as well',
    rounds: 10,
    goal: { medianMs: 3000, worstMs: 3000 },
    async inflict({ cluster }) {
      await killFor(cluster, await cluster.group.controllerId(), AWAY_MS);
    },
  },
  {
    name: 'kill-all',
    title: 'kill -9 of all three at once',
    rounds: 2,
    async inflict({ cluster }) {
      await Promise.all(NODE_IDS.map((id) => killFor(cluster, id, 0)));
    },
  },
  {
    name: 'rolling-restart',
    title: 'SIGTERM of each broker in turn, with permits to stop',
    rounds: 2,
    goal: { medianMs: 200, worstMs: 200 },
    async inflict({ cluster }) {
      for (const id of NODE_IDS) {
        await cluster.process(id).signal('SIGTERM');
        await cluster.process(id).run();
      }
    },
  },
  {
    name: 'freeze-leader',
    title: `SIGSTOP of a leader for ${FREEZE_MS} ms, longer than its session`,
    rounds: 1,
    goal: { medianMs: SESSION_TIMEOUT_MS + 1000, worstMs: SESSION_TIMEOUT_MS + 1000 },
    async inflict({ cluster }) {
      await freezeFor(cluster, await someFollower(cluster), FREEZE_MS);
    },
  },
  {
    name: 'freeze-controller',
    title: `SIGSTOP of the controller for ${FREEZE_MS} ms, longer than its lease`,
    rounds: 1,
    async inflict({ cluster }) {
      await freezeFor(cluster, await cluster.group.controllerId(), FREEZE_MS);
    },
  },
  {
    name: 'cut-broker',
    title: `a leader cut off from the other brokers for ${CUT_MS} ms, not from clients`,
    rounds: 1,
    goal: { medianMs: SESSION_TIMEOUT_MS + 1000, worstMs: SESSION_TIMEOUT_MS + 1000 },
    isProxied: true,
    async inflict({ cluster }) {
      const alone = await someFollower(cluster);
      cluster.setNetwork((from, to) => {
        const isBetweenBrokers = from.startsWith('broker-');
        const touchesIt = (from === `broker-${alone}`) !== (to === alone);
        return { isCut: isBetweenBrokers && touchesIt, delayMs: 0 };
      });
      await pause(CUT_MS);
      cluster.healNetwork();
    },
  },
  {
    name: 'cut-client',
    title: `clients cut off from one leader for ${CUT_MS / 4} ms`,
    rounds: 1,
    isProxied: true,
    async inflict({ cluster }) {
      const leader = await someFollower(cluster);
      cluster.setNetwork((from, to) => ({ isCut: from.startsWith('chaos-p') && to === leader, delayMs: 0 }));
      await pause(CUT_MS / 4);
      cluster.healNetwork();
    },
  },
  {
    name: 'slow-network',
    title: `${SLOW_DELAY_MS} ms each way between brokers for ${SLOW_MS} ms`,
    rounds: 1,
    isProxied: true,
    goal: { medianMs: 1000, worstMs: 1500 },
    async inflict({ cluster }) {
      cluster.setNetwork((from) => (from.startsWith('broker-') ? { isCut: false, delayMs: SLOW_DELAY_MS } : GOOD_LINK));
      await pause(SLOW_MS);
      cluster.healNetwork();
    },
  },
  {
    name: 'store-away',
    title: `the coordination store is away for ${STORE_AWAY_MS} ms`,
    rounds: 1,
    goal: { medianMs: 500, worstMs: 500 },
    async inflict({ cluster, redis }) {
      if (redis === undefined) {
        renameSync(cluster.storeFolder, `${cluster.storeFolder}-away`);
        await pause(STORE_AWAY_MS);
        rmSync(cluster.storeFolder, { recursive: true, force: true });
        renameSync(`${cluster.storeFolder}-away`, cluster.storeFolder);
        return;
      }
      await redis.kill();
      await pause(STORE_AWAY_MS);
      await redis.start();
    },
  },
  {
    name: 'disk-full',
    title: `the disk of a leader is full for ${DISK_FULL_MS} ms`,
    rounds: 1,
    hasSmallDisk: true,
    needsRoot: true,
    async inflict({ cluster }) {
      const id = await someFollower(cluster);
      const ballast = join(cluster.process(id).dataFolder, 'ballast');
      fill(ballast);
      for (let waitedMs = 0; waitedMs < DISK_FULL_MS; waitedMs += DISK_FULL_MS / 30) {
        await pause(DISK_FULL_MS / 30);
        fill(ballast);
      }
      rmSync(ballast);
    },
  },
];

/** Takes every byte that the file system still has. */
function fill(path: string): void {
  const file = openSync(path, 'a');
  const zeros = Buffer.alloc(BALLAST_STEP_BYTES);
  try {
    for (let bytes = 0; bytes < 2 * DISK_BYTES; bytes += BALLAST_STEP_BYTES) writeSync(file, zeros);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
  }
}

/** A file system of its own for a broker's folder, so small that it can be filled. */
export async function mountSmallDisk(path: string): Promise<() => Promise<void>> {
  mkdirSync(path, { recursive: true });
  await mustRun('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', path]);
  return async () => {
    await mustRun('umount', ['-l', path]);
  };
}

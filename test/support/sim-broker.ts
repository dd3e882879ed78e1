/** One broker with clients in one process, on a simulated clock, disk and network. */

import { BrokerConfig } from '../../broker/config/mod.ts';
import * as cleanJob from '../../broker/log/cleaner/clean-job.ts';
import { KafkaConnection } from '../../broker/protocol/connection/mod.ts';
import { type RunningBroker, startBroker } from '../../broker/start-broker.ts';
import { type Executor, type Logger, type Runtime, silentLogger } from '../../broker/std/mod.ts';
import { MemoryDisk } from '../../broker/std/sim/memory-disk.ts';
import { SeededRandom } from '../../broker/std/sim/prng.ts';
import { SimClock } from '../../broker/std/sim/sim-clock.ts';
import { SimNetwork } from '../../broker/std/sim/sim-network.ts';

const PORT = 9092;
const OWNER = 'broker';
/** Loaded beforehand: simulated time would pass while a module loads. */
const JOBS = new Map<string, Record<string, (input: never, world: { disk: MemoryDisk }) => unknown>>([
  ['clean-job.ts', cleanJob],
]);
/** Longest simulated time that any awaited step may take. */
const STEP_LIMIT_MS = 600_000;

export class SimBroker {
  readonly clock: SimClock;
  readonly random: SeededRandom;
  readonly disk = new MemoryDisk();
  readonly network: SimNetwork;
  private readonly overrides: Readonly<Record<string, string>>;
  private readonly log: Logger;
  running: RunningBroker | undefined;
  /** Grows with every start, so that what a killed broker left on the clock cannot act for its successor. */
  private life = 0;

  constructor(seed: number, overrides: Readonly<Record<string, string>> = {}, log: Logger = silentLogger) {
    this.clock = new SimClock();
    this.random = new SeededRandom(seed);
    this.network = new SimNetwork(this.clock, this.random.fork());
    this.overrides = overrides;
    this.log = log;
    this.disk.makeFolder('/data');
    this.disk.syncFolder('/');
  }

  /** The world as one life of the broker sees it: after a kill its timers, callbacks and files are dead. */
  private runtimeOf(life: number): Runtime {
    const isAlive = (): boolean => this.life === life;
    const { clock } = this;
    const disk = new Proxy(this.disk, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          if (!isAlive()) throw Object.assign(new Error('EIO: this process is dead'), { code: 'EIO' });
          return member.apply(target, args);
        };
      },
    });
    const executor: Executor = {
      run: async (module, job, input) => {
        const jobs = JOBS.get(module.slice(module.lastIndexOf('/') + 1));
        if (jobs === undefined) throw new Error(`the simulation does not know the job ${module}`);
        return (await jobs[job]?.(input as never, { disk })) as never;
      },
      close: async () => {},
    };
    return {
      clock: {
        nowMs: () => clock.nowMs(),
        monotonicMs: () => clock.monotonicMs(),
        idleShare: () => clock.idleShare(),
        after: (delayMs, callback) => clock.after(delayMs, () => (isAlive() ? callback() : undefined)),
        endOfTurn: (callback) => clock.endOfTurn(() => (isAlive() ? callback() : undefined)),
      },
      random: this.random.fork(),
      disk,
      network: this.network.endpoint(OWNER),
      executor,
      log: this.log,
    };
  }

  async start(): Promise<void> {
    this.life++;
    const config = new BrokerConfig(
      new Map(
        Object.entries({
          'node.id': '1',
          listeners: `PLAINTEXT://127.0.0.1:${PORT}`,
          'log.dirs': '/data',
          'group.initial.rebalance.delay.ms': '0',
          'offsets.topic.num.partitions': '3',
          ...this.overrides,
        }),
      ),
    );
    this.running = await this.until(startBroker({ runtime: this.runtimeOf(this.life), config }));
  }

  /** SIGKILL: the process is gone, what it wrote stays. */
  kill(): void {
    this.life++;
    this.disk.kill();
    this.disk.beforeChange = undefined;
    this.network.kill(OWNER);
    this.running = undefined;
  }

  /** SIGKILL in the middle of what the process is doing to the disk: instead of its n-th next change. */
  killAtChange(count: number): void {
    const at = this.disk.changes + count;
    this.disk.beforeChange = (change, operation) => {
      if (change < at) return;
      this.kill();
      throw Object.assign(new Error(`EIO: killed before this ${operation}`), { code: 'EIO' });
    };
  }

  get isRunning(): boolean {
    return this.running !== undefined;
  }

  /** SIGKILL and the machine with it: what was not synced may be lost, torn or reordered. */
  powerLoss(): void {
    this.kill();
    this.disk.powerLoss(this.random);
  }

  async connect(): Promise<KafkaConnection> {
    return this.until(
      KafkaConnection.open({
        runtime: { network: this.network.endpoint('client') },
        host: '127.0.0.1',
        port: PORT,
        clientId: 'sim',
      }),
    );
  }

  /** Lets simulated time pass until the promise settles. */
  async until<Value>(promise: Promise<Value>): Promise<Value> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    const deadline = this.clock.monotonicMs() + STEP_LIMIT_MS;
    await this.clock.settle();
    while (!isSettled) {
      if (this.clock.monotonicMs() > deadline) throw new Error(`nothing happened for ${STEP_LIMIT_MS} simulated ms`);
      if (!this.clock.step()) throw new Error('the simulation is stuck: no timer is due');
      await this.clock.settle();
    }
    return promise;
  }
}

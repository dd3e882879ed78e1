/** Several real broker processes that form one cluster, each in a rack of its own, `RACK<id>`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerProcess } from './broker-process.ts';

const METADATA_FOLDER = 'metadata';

export class BrokerCluster {
  /** Broker N stands at N - 1. */
  readonly brokers: readonly BrokerProcess[];
  private readonly folder: string;

  private constructor(brokers: readonly BrokerProcess[], folder: string) {
    this.brokers = brokers;
    this.folder = folder;
  }

  /** Brokers 1 to `size`, which agree through a folder; all of them start at once, as pods do. */
  static async start(options: {
    readonly size: number;
    readonly overrides?: Readonly<Record<string, string>>;
    readonly program?: string;
  }): Promise<BrokerCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'ottla-cluster-'));
    const starting = Array.from({ length: options.size }, (_, index) => {
      const id = index + 1;
      const overrides = {
        'node.id': `${id}`,
        'broker.rack': `RACK${id}`,
        'ottla.coordination.folder': join(folder, METADATA_FOLDER),
        'offsets.topic.replication.factor': `${Math.min(3, options.size)}`,
        ...options.overrides,
      };
      return BrokerProcess.start({ overrides, folder: join(folder, `${id}`), program: options.program });
    });
    const started = await Promise.allSettled(starting);
    const brokers = started.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
    const cluster = new BrokerCluster(brokers, folder);
    const failure = started.find((result) => result.status === 'rejected');
    if (failure === undefined) return cluster;
    await cluster.close();
    throw failure.reason;
  }

  /** All brokers, as a client's bootstrap list. */
  get bootstrap(): string {
    return this.brokers.map(({ bootstrap }) => bootstrap).join(',');
  }

  /** Where the brokers agree. */
  get metadataFolder(): string {
    return join(this.folder, METADATA_FOLDER);
  }

  broker(id: number): BrokerProcess {
    return this.brokers[id - 1] as BrokerProcess;
  }

  /** What the brokers logged last, for the message of a failure. */
  get output(): string {
    return this.brokers.map(({ output }, index) => `broker ${index + 1}:\n${output}`).join('\n');
  }

  /** Ends the brokers as a power cut would, without waiting for what they would still write. */
  async kill(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.signal('SIGKILL')));
  }

  /** Stops the brokers and keeps their folders until `close`. */
  async stop(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.signal('SIGTERM')));
  }

  async close(): Promise<void> {
    try {
      await this.stop();
    } finally {
      rmSync(this.folder, { recursive: true, force: true });
    }
  }
}

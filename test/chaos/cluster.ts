/** Three broker processes on one coordination store, with one topic on all of them, and the ways to hurt them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerProcess, freePort } from '../support/broker-process.ts';
import { BrokerGroup, NODE_IDS } from './broker-group.ts';
import type { Address } from './client.ts';
import { GOOD_LINK, type LinkQuality, TcpProxy } from './tcp-proxy.ts';

export interface ClusterOptions {
  /** Settings that every broker gets. */
  readonly overrides: Readonly<Record<string, string>>;
  /** Where brokers agree; default a folder that they share. */
  readonly redisUrl?: string | undefined;
  /** Everybody reaches everybody through proxies. */
  readonly isProxied: boolean;
  /** Where each broker keeps its logs; default a temporary folder each. */
  readonly dataFolder?: (id: number) => string;
}

interface Node {
  readonly process: BrokerProcess;
  readonly clientProxy: TcpProxy | undefined;
  readonly controlProxy: TcpProxy | undefined;
}

export class Cluster {
  private readonly nodes = new Map<number, Node>();
  private readonly folder = mkdtempSync(join(tmpdir(), 'ottla-chaos-'));
  private readonly addresses = new Map<number, Address>();
  private started: BrokerGroup | undefined;

  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster();
    try {
      await Promise.all(NODE_IDS.map((id) => cluster.startNode(id, options)));
      cluster.started = new BrokerGroup(cluster.addresses);
      await cluster.group.createTopic();
      await cluster.group.settled();
    } catch (error) {
      const said = cluster.output;
      await cluster.close();
      throw new Error(`${(error as Error).message}\n${said}`);
    }
    return cluster;
  }

  private async startNode(id: number, options: ClusterOptions): Promise<void> {
    const [client, control, clientProxied, controlProxied] = (await Promise.all([
      freePort(),
      freePort(),
      freePort(),
      freePort(),
    ])) as [number, number, number, number];
    const advertised = options.isProxied ? [clientProxied, controlProxied] : [client, control];
    this.addresses.set(id, { host: '127.0.0.1', port: advertised[0] as number });
    const address = (ports: readonly (number | undefined)[]): string =>
      `PLAINTEXT://127.0.0.1:${ports[0]},CONTROL://127.0.0.1:${ports[1]}`;
    const listen = async (port: number, targetPort: number): Promise<TcpProxy | undefined> =>
      options.isProxied ? TcpProxy.listen({ port, targetPort }) : undefined;
    const clientProxy = await listen(clientProxied, client);
    const controlProxy = await listen(controlProxied, control);
    const process = await BrokerProcess.start({
      port: client,
      folder: options.dataFolder?.(id) ?? join(this.folder, `broker-${id}`),
      overrides: {
        'node.id': String(id),
        listeners: address([client, control]),
        'advertised.listeners': address(advertised),
        'min.insync.replicas': '2',
        'offsets.topic.num.partitions': '4',
        ...(options.redisUrl === undefined
          ? { 'ottla.coordination.folder': this.storeFolder }
          : { 'ottla.coordination': 'redis', 'ottla.coordination.url': options.redisUrl }),
        ...options.overrides,
      },
    });
    this.nodes.set(id, { process, clientProxy, controlProxy });
  }

  get group(): BrokerGroup {
    if (this.started === undefined) throw new Error('the cluster has not started');
    return this.started;
  }

  process(id: number): BrokerProcess {
    return this.node(id).process;
  }

  private node(id: number): Node {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`there is no broker ${id}`);
    return node;
  }

  get storeFolder(): string {
    return join(this.folder, 'store');
  }

  get output(): string {
    return [...this.nodes].map(([id, { process }]) => `--- broker ${id}\n${process.output}`).join('\n');
  }

  /** The network from now on between two brokers, or a client and a broker; only where all go through proxies. */
  setNetwork(quality: (from: string, to: number) => LinkQuality): void {
    for (const [id, { clientProxy, controlProxy }] of this.nodes) {
      for (const proxy of [clientProxy, controlProxy]) proxy?.setQuality((from) => quality(from, id));
    }
  }

  healNetwork(): void {
    this.setNetwork(() => GOOD_LINK);
  }

  /** Ends all, hard: what is to be checked was checked before. */
  async close(): Promise<void> {
    this.started?.close();
    for (const { process, clientProxy, controlProxy } of this.nodes.values()) {
      clientProxy?.close();
      controlProxy?.close();
      await process.signal('SIGKILL');
    }
  }

  removeFolder(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  get rootFolder(): string {
    return this.folder;
  }
}

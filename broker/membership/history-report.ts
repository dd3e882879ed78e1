/**
 * A broker whose store went back in time tells whoever leads on what the store says now: that controller knows less
 * than this broker, or something else, and cannot see it by itself when nobody told it before it claimed the log.
 *
 * This broker applies nothing of what the store says. It only looks there for who the controller is.
 */
import { type MetadataLoader, positionOf } from '../metadata/mod.ts';
import type { Clock } from '../std/mod.ts';
import { controlEndpointOf } from './control-endpoint.ts';
import type { PeerConnector } from './peer-connector.ts';
import { exchangePositions } from './peer-positions.ts';

const REPORT_EVERY_MS = 1000;

export class HistoryReport {
  private readonly loader: MetadataLoader;
  private readonly readAnew: () => MetadataLoader;
  private readonly connector: PeerConnector;
  private readonly clock: Clock;
  /** What the store says now, read from its start. */
  private theirs: MetadataLoader | undefined;
  private isClosed = false;

  constructor(options: {
    readonly loader: MetadataLoader;
    /** A reader of the same store that knows nothing of what was read before. */
    readonly readAnew: () => MetadataLoader;
    readonly connector: PeerConnector;
    readonly clock: Clock;
  }) {
    this.loader = options.loader;
    this.readAnew = options.readAnew;
    this.connector = options.connector;
    this.clock = options.clock;
    this.plan();
  }

  close(): void {
    this.isClosed = true;
  }

  private plan(): void {
    this.clock.after(REPORT_EVERY_MS, () => {
      if (this.isClosed) return;
      this.report()
        .catch(() => {
          // The store is away, or went back once more: the next look starts over.
          this.theirs = undefined;
        })
        .finally(() => this.plan());
    });
  }

  private async report(): Promise<void> {
    if (!this.loader.storeWentBack) {
      this.theirs = undefined;
      return;
    }
    this.theirs ??= this.readAnew();
    await this.theirs.catchUp();
    const endpoint = controlEndpointOf(this.theirs.image.controllerEndpoints);
    if (endpoint === undefined) return;
    const { connector, clock, loader } = this;
    const { image } = loader;
    await exchangePositions(endpoint, { connector, clock, clusterId: image.clusterId, own: positionOf(image) });
  }
}

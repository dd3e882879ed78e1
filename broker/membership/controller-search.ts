/**
 * Who the active controller is: the metadata log says it, or, while the store does not answer, the other brokers do.
 *
 * A broker that alone is cut off from the store would go on talking to a controller that was replaced, and lose its
 * session though everybody else reaches it. So it asks its peers, and believes the latest term that one of them knows.
 */
import type { MetadataImage } from '../metadata/mod.ts';
import type { Clock, Logger } from '../std/mod.ts';
import { controlEndpointOf } from './control-endpoint.ts';
import type { PeerConnector } from './peer-connector.ts';
import { type KnownController, peerPositions } from './peer-positions.ts';

const LOOK_EVERY_MS = 1000;
/** The store is looked at more often than this while it answers. */
const SILENCE_MS = 3000;

export class ControllerSearch {
  private readonly image: () => MetadataImage;
  private readonly storeMs: () => number;
  private readonly nodeId: number;
  private readonly connector: PeerConnector;
  private readonly clock: Clock;
  private readonly log: Logger;
  private heard: KnownController | undefined;
  private isClosed = false;
  /** Called when peers knew of another controller than the log. */
  onFound: () => void = () => {};

  constructor(options: {
    readonly image: () => MetadataImage;
    /** When the store last answered, on the monotonic clock. */
    readonly storeMs: () => number;
    readonly nodeId: number;
    readonly connector: PeerConnector;
    readonly clock: Clock;
    readonly log: Logger;
  }) {
    this.image = options.image;
    this.storeMs = options.storeMs;
    this.nodeId = options.nodeId;
    this.connector = options.connector;
    this.clock = options.clock;
    this.log = options.log;
    this.plan();
  }

  /** Undefined until a log was claimed. */
  get known(): KnownController | undefined {
    const { controllerId, controllerEpoch, controllerEndpoints } = this.image();
    if (this.heard !== undefined && this.heard.controllerEpoch > controllerEpoch) return this.heard;
    const endpoint = controlEndpointOf(controllerEndpoints);
    return endpoint && { controllerId, controllerEpoch, endpoint };
  }

  close(): void {
    this.isClosed = true;
  }

  private plan(): void {
    this.clock.after(LOOK_EVERY_MS, () => {
      if (this.isClosed) return;
      if (this.clock.monotonicMs() - this.storeMs() < SILENCE_MS) this.plan();
      else void this.ask().finally(() => this.plan());
    });
  }

  private async ask(): Promise<void> {
    const { nodeId, connector, clock } = this;
    const image = this.image();
    const answers = await peerPositions({ image, clusterId: image.clusterId, nodeId, connector, clock });
    if (this.isClosed) return;
    for (const { controller } of answers) {
      if (controller === undefined || controller.controllerEpoch <= (this.known?.controllerEpoch ?? 0)) continue;
      const { controllerId, controllerEpoch } = controller;
      this.heard = controller;
      this.log.warn({ controllerId, controllerEpoch }, 'the store is silent; peers know of a later controller');
      this.onFound();
    }
  }
}

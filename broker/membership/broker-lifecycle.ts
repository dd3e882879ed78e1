/**
 * The life of one broker process in its cluster: register, catch up, serve, shut down.
 *
 *   register -> catch up with the own registration -> heartbeats (fenced until the controller says otherwise) -> stop
 *
 * A broker that cannot reach a controller waits and tries again; it never gives up and never crashes for it. What it
 * may serve meanwhile is decided by epochs, not by this file.
 */
import { type EndpointImage, METADATA_VERSION, type MetadataLoader, positionOf } from '../metadata/mod.ts';
import { defineCall } from '../protocol/connection/mod.ts';
import { writeBrokerHeartbeatRequest } from '../protocol/generated/broker-heartbeat-request.ts';
import {
  type BrokerHeartbeatResponse,
  readBrokerHeartbeatResponse,
} from '../protocol/generated/broker-heartbeat-response.ts';
import { writeBrokerRegistrationRequest } from '../protocol/generated/broker-registration-request.ts';
import { readBrokerRegistrationResponse } from '../protocol/generated/broker-registration-response.ts';
import { writeStopPermitRequest } from '../protocol/generated/stop-permit-request.ts';
import { readStopPermitResponse } from '../protocol/generated/stop-permit-response.ts';
import { ErrorCode, errorName } from '../protocol/mod.ts';
import { BrokerError, type Clock, type Deadline, type Logger, type Timer } from '../std/mod.ts';
import type { ControllerChannel } from './controller-channel.ts';

const registrationCall = defineCall(62, writeBrokerRegistrationRequest, readBrokerRegistrationResponse);
const stopPermitCall = defineCall(20000, writeStopPermitRequest, readStopPermitResponse);
const heartbeatCall = defineCall(63, writeBrokerHeartbeatRequest, readBrokerHeartbeatResponse);
const REGISTRATION_VERSION = 4;
const HEARTBEAT_VERSION = 1;
const STOP_PERMIT_VERSION = 0;
/** What this build can take part in. */
const FEATURES = [
  {
    name: METADATA_VERSION.feature,
    minSupportedVersion: METADATA_VERSION.minLevel,
    maxSupportedVersion: METADATA_VERSION.maxLevel,
  },
];
const RETRY_MS = 100;
const PERMIT_RETRY_MS = 250;
/** A broker that is not served yet, or waits to stop, asks again this soon. */
const IMPATIENT_MS = 50;

export interface OwnRegistration {
  readonly incarnationId: string;
  readonly endpoints: readonly EndpointImage[];
  readonly rack: string | null;
  readonly directories: readonly string[];
}

export interface LifecycleOptions {
  readonly nodeId: number;
  readonly clusterId: string;
  readonly channel: ControllerChannel;
  readonly loader: MetadataLoader;
  readonly clock: Clock;
  readonly log: Logger;
  readonly registration: OwnRegistration;
  /** The epoch under which this broker shut down cleanly before, or -1. */
  readonly previousEpoch: number;
  readonly heartbeatIntervalMs: number;
  readonly sessionTimeoutMs: number;
  /** Log folders, by their ids, that failed since this process registered, and those that are full. */
  readonly troubledFolders: () => { readonly failed: readonly string[]; readonly full: readonly string[] };
  /** Another process registered under this broker's id: this one may do nothing any more. */
  readonly onReplaced: () => void;
}

export class BrokerLifecycle {
  private readonly options: LifecycleOptions;
  private epoch = -1;
  private isFenced = true;
  private wantsShutdown = false;
  private isClosed = false;
  private timer: Timer | undefined;
  private beating: Promise<void> | undefined;
  private readonly serving: (() => void)[] = [];
  private readonly mayStop: (() => void)[] = [];

  constructor(options: LifecycleOptions) {
    this.options = options;
  }

  /** The offset of this process' registration; -1 before it is registered. */
  get brokerEpoch(): number {
    return this.epoch;
  }

  get isServing(): boolean {
    return !this.isFenced && !this.isClosed;
  }

  /** Registers, and returns when this broker has read its own registration: from then on its image speaks of it. */
  async register(): Promise<void> {
    const { nodeId, clusterId, channel, registration, sessionTimeoutMs, log } = this.options;
    const { incarnationId, endpoints, rack, directories } = registration;
    for (;;) {
      if (this.isClosed) throw new BrokerError('net.closed', 'the broker shuts down');
      const { nextOffset, controllerEpoch, termId } = positionOf(this.options.loader.image);
      try {
        const { errorCode, brokerEpoch } = await channel.request(
          registrationCall,
          REGISTRATION_VERSION,
          {
            brokerId: nodeId,
            clusterId,
            incarnationId,
            listeners: endpoints.map((endpoint) => ({ ...endpoint, securityProtocol: 0 })),
            features: FEATURES,
            rack,
            isMigratingZkBroker: false,
            logDirs: [...directories],
            previousBrokerEpoch: this.options.previousEpoch,
            metadataOffset: nextOffset,
            metadataControllerEpoch: controllerEpoch,
            metadataTermId: termId,
          },
          sessionTimeoutMs,
        );
        if (errorCode === ErrorCode.NONE) {
          this.epoch = brokerEpoch;
          break;
        }
        if (errorCode === ErrorCode.INCONSISTENT_CLUSTER_ID || errorCode === ErrorCode.INVALID_REGISTRATION) {
          throw new BrokerError(
            'data.foreign',
            `the cluster refuses this broker (${errorName(errorCode)}): its log folders belong to another one`,
          );
        }
        if (errorCode === ErrorCode.UNSUPPORTED_VERSION) {
          const { feature, minLevel, maxLevel } = METADATA_VERSION;
          const range = `this broker knows ${feature} ${minLevel} to ${maxLevel}`;
          throw new BrokerError(
            'data.foreign',
            `the cluster refuses this broker: ${range}, and the cluster uses another`,
          );
        }
        log.warn({ error: errorName(errorCode) }, 'the controller does not take this registration yet');
      } catch (error) {
        if (error instanceof BrokerError && error.code === 'data.foreign') throw error;
        log.debug({ err: error }, 'no controller took the registration; trying again');
      }
      await this.pause(RETRY_MS);
    }
    while (this.options.loader.image.nextOffset <= this.epoch) {
      await this.options.loader.catchUp().catch(() => this.pause(RETRY_MS));
    }
  }

  /** Tells the controller from now on that this broker lives; returns when it may serve. */
  async serve(): Promise<void> {
    this.beatSoon(0);
    if (this.isFenced) await new Promise<void>((resolve) => this.serving.push(resolve));
  }

  /**
   * Waits for the permit to stop: until the controller says that no partition needs this broker in sync just now, or
   * the time is over. Whoever has to go goes then without.
   */
  async awaitStopPermit(deadline: Deadline, podUid: string | null): Promise<boolean> {
    const { nodeId, channel, log, sessionTimeoutMs } = this.options;
    let isToldWhy = false;
    if (this.epoch < 0) return false;
    while (!this.isClosed && !deadline.isOver) {
      const timeoutMs = Math.min(sessionTimeoutMs, deadline.leftMs);
      try {
        const request = { brokerId: nodeId, brokerEpoch: this.epoch, podUid, release: false };
        const answer = await channel.request(stopPermitCall, STOP_PERMIT_VERSION, request, timeoutMs);
        if (answer.isGranted) {
          log.info({ brokerEpoch: request.brokerEpoch }, 'the permit to stop is granted');
          return true;
        }
        if (!isToldWhy && answer.errorCode === ErrorCode.NONE) {
          isToldWhy = true;
          log.warn({ reason: answer.errorMessage, partitions: answer.blockingCount }, 'waiting for the permit to stop');
        }
      } catch (error) {
        log.debug({ err: error }, 'no controller answered the request for a stop permit');
      }
      await this.pause(Math.min(PERMIT_RETRY_MS, deadline.leftMs));
    }
    log.warn({}, 'stopping without a permit');
    return false;
  }

  /**
   * Asks the controller to move everything away, and returns when that is done or the time is over: a broker that
   * nobody lets go still goes.
   */
  async shutDown(deadline: Deadline): Promise<boolean> {
    let isGranted = false;
    if (this.epoch >= 0) {
      this.wantsShutdown = true;
      const granted = new Promise<void>((resolve) => {
        this.mayStop.push(() => {
          isGranted = true;
          resolve();
        });
      });
      this.beatSoon(0);
      await deadline.wait(granted);
    }
    this.close();
    return isGranted;
  }

  /** Something changed that the controller should know before the next heartbeat is due. */
  tellSoon(): void {
    if (this.epoch >= 0) this.beatSoon(0);
  }

  close(): void {
    this.isClosed = true;
    this.timer?.cancel();
  }

  private beatSoon(delayMs: number): void {
    if (this.isClosed) return;
    this.timer?.cancel();
    this.timer = this.options.clock.after(delayMs, () => {
      this.beating ??= this.beat().finally(() => {
        this.beating = undefined;
      });
    });
  }

  private async beat(): Promise<void> {
    const { nodeId, channel, loader, heartbeatIntervalMs, sessionTimeoutMs, log } = this.options;
    let nextMs = heartbeatIntervalMs;
    const { failed, full } = this.options.troubledFolders();
    try {
      const answer = await channel.request(
        heartbeatCall,
        HEARTBEAT_VERSION,
        {
          brokerId: nodeId,
          brokerEpoch: this.epoch,
          currentMetadataOffset: loader.image.nextOffset,
          wantFence: false,
          wantShutDown: this.wantsShutdown,
          offlineLogDirs: [...failed],
          fullLogDirs: [...full],
        },
        Math.min(heartbeatIntervalMs * 2, sessionTimeoutMs),
      );
      nextMs = await this.take(answer, nextMs);
    } catch (error) {
      log.debug({ err: error }, 'no controller took the heartbeat; trying again');
      nextMs = RETRY_MS;
    }
    this.beatSoon(nextMs);
  }

  private async take(answer: BrokerHeartbeatResponse, intervalMs: number): Promise<number> {
    const { log, loader, nodeId, registration } = this.options;
    switch (answer.errorCode) {
      case ErrorCode.NONE:
        break;
      case ErrorCode.STALE_BROKER_EPOCH:
      case ErrorCode.BROKER_ID_NOT_REGISTERED: {
        await loader.catchUp();
        const known = loader.image.brokers.get(nodeId);
        if (known !== undefined && known.incarnationId !== registration.incarnationId) {
          log.error({ brokerEpoch: this.epoch, newer: known.epoch }, 'another process took this broker id over');
          this.close();
          this.options.onReplaced();
          return intervalMs;
        }
        this.isFenced = true;
        if (known === undefined) await this.register();
        else this.epoch = known.epoch;
        return IMPATIENT_MS;
      }
      default:
        // No controller any more, or not yet.
        return RETRY_MS;
    }
    if (answer.shouldShutDown) {
      for (const callback of this.mayStop.splice(0)) callback();
      return intervalMs;
    }
    if (this.isFenced !== answer.isFenced) {
      this.isFenced = answer.isFenced;
      log.info({ brokerEpoch: this.epoch }, answer.isFenced ? 'this broker is fenced' : 'this broker serves');
    }
    if (!this.isFenced) for (const callback of this.serving.splice(0)) callback();
    return this.isFenced || this.wantsShutdown ? IMPATIENT_MS : intervalMs;
  }

  private pause(delayMs: number): Promise<void> {
    return new Promise<void>((resolve) => this.options.clock.after(delayMs, resolve));
  }
}

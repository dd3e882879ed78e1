/**
 * Which brokers were heard of lately. Kept in the memory of the active controller alone: a new one gives everybody a
 * full session to find it, and its predecessor, who is probably gone, half of one.
 */
import type { MetadataImage } from '../metadata/mod.ts';

interface Session {
  brokerEpoch: number;
  heardMs: number;
  /** How far this broker has read the metadata log, as it last said. */
  metadataOffset: number;
  /** The end of the log when its shutdown began; undefined while it does not shut down. */
  shutdownOffset: number | undefined;
}

export class BrokerSessions {
  private readonly sessions = new Map<number, Session>();

  /**
   * A new controller: everybody who serves counts as just heard of. Its predecessor let the lease go, most likely
   * because its machine is lost, and was silent for that long already; alive, it finds its successor within two
   * heartbeats.
   */
  restart(image: MetadataImage, predecessorId: number, nowMs: number, timeoutMs: number): void {
    this.sessions.clear();
    for (const { id, epoch, isFenced } of image.brokers.values()) {
      if (isFenced) continue;
      this.touch(id, epoch, -1, id === predecessorId ? nowMs - timeoutMs / 2 : nowMs);
    }
  }

  touch(brokerId: number, brokerEpoch: number, metadataOffset: number, nowMs: number): void {
    const known = this.sessions.get(brokerId);
    if (known !== undefined && known.brokerEpoch === brokerEpoch) {
      known.heardMs = nowMs;
      known.metadataOffset = Math.max(known.metadataOffset, metadataOffset);
      return;
    }
    this.sessions.set(brokerId, { brokerEpoch, heardMs: nowMs, metadataOffset, shutdownOffset: undefined });
  }

  end(brokerId: number): void {
    this.sessions.delete(brokerId);
  }

  isAlive(brokerId: number, nowMs: number, timeoutMs: number): boolean {
    const session = this.sessions.get(brokerId);
    return session !== undefined && nowMs - session.heardMs < timeoutMs;
  }

  /** Brokers that the image counts as serving and that were silent for longer than a session. */
  expired(image: MetadataImage, nowMs: number, timeoutMs: number): { brokerId: number; brokerEpoch: number }[] {
    return [...image.brokers.values()]
      .filter(({ id, isFenced }) => !isFenced && !this.isAlive(id, nowMs, timeoutMs))
      .map(({ id, epoch }) => ({ brokerId: id, brokerEpoch: epoch }));
  }

  /** Remembers once where the log ended when the broker's leaders had been moved; returns it. */
  shutdownOffset(brokerId: number, logEnd: number): number {
    const session = this.sessions.get(brokerId);
    if (session === undefined) return logEnd;
    session.shutdownOffset ??= logEnd;
    return session.shutdownOffset;
  }

  /** Everybody else who serves has read the metadata up to here. */
  lowestOffset(image: MetadataImage, except: number): number {
    let lowest = Number.POSITIVE_INFINITY;
    for (const { id, isFenced, isShuttingDown } of image.brokers.values()) {
      if (id === except || isFenced || isShuttingDown) continue;
      lowest = Math.min(lowest, this.sessions.get(id)?.metadataOffset ?? -1);
    }
    return lowest;
  }
}

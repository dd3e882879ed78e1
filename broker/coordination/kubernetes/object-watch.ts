/**
 * A watch that does not end: it goes on where it was cut, begins again where the server no longer has what came since
 * (410), and gives up a connection on which nothing was heard for longer than the server is ever silent. A write may
 * fall into every gap, so each new beginning counts as a change.
 */
import { Backoff, type Clock, type HttpStream, type Random, type Timer } from '../../std/mod.ts';
import type { ApiObject, KubernetesApi, Part } from './api.ts';

/** The server ends a watch after this long by itself, so that watches spread over its replicas again. */
const WATCH_SECONDS = 300;
/** Bookmarks come about once a minute. */
const SILENCE_MS_MAX = 150_000;
const RETRY_MS = { firstMs: 100, mostMs: 10_000 };
/** A line that grows beyond it is no event of ours. */
const LINE_BYTES_MAX = 4 * 1024 * 1024;

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: ApiObject & { readonly code?: number };
}

export class ObjectWatch {
  private readonly api: KubernetesApi;
  private readonly clock: Clock;
  private readonly path: string;
  private readonly query: Readonly<Record<string, string>>;
  private readonly part: Part;
  private readonly silenceMsMax: number;
  private readonly changed: (object: ApiObject | undefined) => void;
  private readonly backoff: Backoff;
  private resourceVersion: string | undefined;
  private stream: HttpStream | undefined;
  private timer: Timer | undefined;
  private isStopped = false;

  constructor(options: {
    readonly api: KubernetesApi;
    readonly clock: Clock;
    readonly random: Random;
    readonly path: string;
    readonly query: Readonly<Record<string, string>>;
    readonly part: Part;
    readonly silenceMsMax?: number;
    /** Called with what changed, or with undefined when something may have been missed. */
    readonly changed: (object: ApiObject | undefined) => void;
  }) {
    this.api = options.api;
    this.clock = options.clock;
    this.path = options.path;
    this.query = options.query;
    this.part = options.part;
    this.silenceMsMax = options.silenceMsMax ?? SILENCE_MS_MAX;
    this.changed = options.changed;
    this.backoff = new Backoff({ ...RETRY_MS, random: options.random });
    void this.open();
  }

  stop(): void {
    this.isStopped = true;
    this.timer?.cancel();
    this.stream?.close();
  }

  private async open(): Promise<void> {
    let stream: HttpStream;
    try {
      const from = this.resourceVersion === undefined ? {} : { resourceVersion: this.resourceVersion };
      const query = { ...this.query, ...from, timeoutSeconds: String(WATCH_SECONDS) };
      stream = await this.api.watch(this.path, query, this.part);
    } catch {
      this.openLater();
      return;
    }
    let rest = '';
    const text = new TextDecoder();
    stream.onData = (chunk) => {
      this.expectMore();
      rest += text.decode(chunk, { stream: true });
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > LINE_BYTES_MAX) stream.close();
      for (const line of lines) if (line !== '' && !this.isStopped) this.take(line);
    };
    stream.onClose = () => {
      this.stream = undefined;
      this.openLater();
    };
    this.stream = stream;
    if (this.isStopped || stream.status !== 200) {
      if (stream.status === 410) this.resourceVersion = undefined;
      stream.close();
      return;
    }
    this.expectMore();
    this.changed(undefined);
  }

  private take(line: string): void {
    let event: WatchEvent;
    try {
      event = JSON.parse(line) as WatchEvent;
    } catch {
      this.stream?.close();
      return;
    }
    if (event.type === 'ERROR') {
      // The versions since ours were compacted away, or the server is in trouble: either way, from the beginning.
      this.resourceVersion = undefined;
      this.stream?.close();
      return;
    }
    this.backoff.reset();
    this.resourceVersion = event.object.metadata.resourceVersion;
    if (event.type !== 'BOOKMARK') this.changed(event.object);
  }

  private expectMore(): void {
    this.timer?.cancel();
    this.timer = this.clock.after(this.silenceMsMax, () => this.stream?.close());
  }

  private openLater(): void {
    this.timer?.cancel();
    if (this.isStopped) return;
    this.timer = this.clock.after(this.backoff.delayMs(), () => void this.open());
  }
}

/**
 * What the broker counts about itself, and how it shows it to Prometheus.
 *
 * The hot path adds to plain numbers; names, labels and text exist only while somebody scrapes. Names are Kafka's
 * MBeans in the form that the JMX exporter gives them and dashboards for Kafka expect.
 */
import { Gauge, Registry } from 'prom-client';
import { LatencyHistogram } from './latency.ts';

/** Topics counted by name; beyond it their traffic goes to one common label, so that a scrape stays bounded. */
const TOPIC_LABELS_MAX = 2000;
const OTHER_TOPICS = '__other__';
const QUANTILES = [0.5, 0.75, 0.95, 0.98, 0.99, 0.999];

class TopicCounters {
  bytesIn = 0;
  messagesIn = 0;
  bytesOut = 0;
  produceRequests = 0;
  fetchRequests = 0;
  failedProduces = 0;
}

class RequestCounters {
  requests = 0;
  errors = 0;
  requestBytes = 0;
  responseBytes = 0;
  readonly total = new LatencyHistogram();
  readonly requestQueue = new LatencyHistogram();
  readonly local = new LatencyHistogram();
  readonly remote = new LatencyHistogram();
  readonly responseQueue = new LatencyHistogram();
}

type Phase = 'total' | 'requestQueue' | 'local' | 'remote' | 'responseQueue';

/** Where the time of one request went, in milliseconds. */
export interface RequestTimes {
  readonly requestQueueMs: number;
  readonly localMs: number;
  readonly remoteMs: number;
  readonly responseQueueMs: number;
}

/** A value that is read when Prometheus asks: one number, or one per label set. */
export type Sample = number | readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];

export class Telemetry {
  readonly registry = new Registry();
  private readonly topics = new Map<string, TopicCounters>();
  private readonly requests = new Map<string, RequestCounters>();

  constructor() {
    this.exportTopics();
    this.exportRequests();
  }

  bytesIn(topic: string, bytes: number, messages: number): void {
    const counters = this.topic(topic);
    counters.bytesIn += bytes;
    counters.messagesIn += messages;
    counters.produceRequests++;
  }

  bytesOut(topic: string, bytes: number): void {
    const counters = this.topic(topic);
    counters.bytesOut += bytes;
    counters.fetchRequests++;
  }

  produceFailed(topic: string): void {
    const counters = this.topic(topic);
    counters.produceRequests++;
    counters.failedProduces++;
  }

  requestDone(api: string, requestBytes: number, responseBytes: number, times: RequestTimes): void {
    let counters = this.requests.get(api);
    if (counters === undefined) {
      counters = new RequestCounters();
      this.requests.set(api, counters);
    }
    counters.requests++;
    counters.requestBytes += requestBytes;
    counters.responseBytes += responseBytes;
    const { requestQueueMs, localMs, remoteMs, responseQueueMs } = times;
    counters.requestQueue.add(requestQueueMs);
    counters.local.add(localMs);
    counters.remote.add(remoteMs);
    counters.responseQueue.add(responseQueueMs);
    counters.total.add(requestQueueMs + localMs + remoteMs + responseQueueMs);
  }

  topicRemoved(topic: string): void {
    this.topics.delete(topic);
  }

  private topic(name: string): TopicCounters {
    let counters = this.topics.get(name);
    if (counters === undefined) {
      const label = this.topics.size < TOPIC_LABELS_MAX ? name : OTHER_TOPICS;
      counters = this.topics.get(label) ?? new TopicCounters();
      this.topics.set(label, counters);
    }
    return counters;
  }

  /** Exports a value under a metric name; `read` is called at each scrape. */
  export(name: string, help: string, labelNames: readonly string[], read: () => Sample): void {
    const gauge = new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
      collect() {
        gauge.reset();
        const sample = read();
        if (typeof sample === 'number') gauge.set(sample);
        else for (const { labels, value } of sample) gauge.set({ ...labels }, value);
      },
    });
  }

  private exportTopics(): void {
    const total = (name: string, help: string, read: (counters: TopicCounters) => number): void =>
      this.export(`kafka_server_brokertopicmetrics_${name}_total`, help, ['topic'], () =>
        [...this.topics].map(([topic, counters]) => ({ labels: { topic }, value: read(counters) })),
      );
    total('bytesin', 'Bytes produced to the topic.', (c) => c.bytesIn);
    total('bytesout', 'Bytes fetched from the topic by consumers.', (c) => c.bytesOut);
    total('messagesin', 'Records produced to the topic.', (c) => c.messagesIn);
    total('totalproducerequests', 'Partition batches in produce requests.', (c) => c.produceRequests);
    total('totalfetchrequests', 'Partitions answered with data in fetch requests.', (c) => c.fetchRequests);
    total('failedproducerequests', 'Partition batches that were refused.', (c) => c.failedProduces);
  }

  private exportRequests(): void {
    const perRequest = (name: string, help: string, read: (counters: RequestCounters) => number): void =>
      this.export(`kafka_network_requestmetrics_${name}`, help, ['request'], () =>
        [...this.requests].map(([request, counters]) => ({ labels: { request }, value: read(counters) })),
      );
    perRequest('requests_total', 'Requests answered.', (c) => c.requests);
    perRequest('requestbytes_total', 'Bytes of requests.', (c) => c.requestBytes);
    perRequest('responsebytes_total', 'Bytes of responses.', (c) => c.responseBytes);
    this.exportTimes('total', 'From the arrival of a request to its response');
    this.exportTimes('requestQueue', 'Behind requests that came in the same read');
    this.exportTimes('local', 'In the handler');
    this.exportTimes('remote', 'Parked, or waiting for the disk');
    this.exportTimes('responseQueue', 'Behind responses that must leave first');
  }

  private exportTimes(phase: Phase, help: string): void {
    this.export(
      `kafka_network_requestmetrics_${phase.toLowerCase()}timems`,
      `${help}, in milliseconds, since the last scrape.`,
      ['request', 'quantile'],
      () => {
        const samples = [...this.requests].flatMap(([request, { [phase]: histogram }]) =>
          QUANTILES.map((quantile) => ({
            labels: { request, quantile: String(quantile) },
            value: histogram.quantile(quantile),
          })),
        );
        for (const { [phase]: histogram } of this.requests.values()) histogram.reset();
        return samples;
      },
    );
  }

  async render(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.registry.contentType, text: await this.registry.metrics() };
  }
}

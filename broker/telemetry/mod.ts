/**
 * Metrics. In come counts from the hot path and functions that read a value; out comes Prometheus text. It knows no
 * room that it measures: each hands in what it wants shown.
 */
export { LatencyHistogram } from './latency.ts';
export { type Sample, Telemetry } from './telemetry.ts';

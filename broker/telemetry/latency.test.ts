import { expect, test } from 'vitest';
import { LatencyHistogram } from './latency.ts';

test('quantiles lie within a bucket of the exact value', () => {
  const histogram = new LatencyHistogram();
  for (let ms = 1; ms <= 1000; ms++) histogram.add(ms);
  for (const quantile of [0.5, 0.95, 0.99]) {
    const exact = quantile * 1000;
    expect(histogram.quantile(quantile)).toBeGreaterThanOrEqual(exact * 0.99);
    expect(histogram.quantile(quantile)).toBeLessThanOrEqual(exact * 1.1);
  }
});

test('no sample is reported above the largest one', () => {
  const histogram = new LatencyHistogram();
  histogram.add(3);
  expect(histogram.quantile(0.999)).toBe(3);
  histogram.reset();
  expect(histogram.quantile(0.5)).toBe(0);
});

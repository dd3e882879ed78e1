import { expect, test } from 'vitest';
import { Telemetry } from './mod.ts';

test('the time of requests is shown by API, phase and quantile, since the last scrape', async () => {
  const telemetry = new Telemetry();
  const times = { requestQueueMs: 0.5, localMs: 1, remoteMs: 100, responseQueueMs: 2 };
  for (let i = 0; i < 100; i++) telemetry.requestDone('Fetch', 10, 20, times);
  const { text } = await telemetry.render();
  const valueFor = (name: string): number => {
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
    return Number(line?.split(' ').at(-1));
  };
  const quantile = (phase: string): number =>
    valueFor(`kafka_network_requestmetrics_${phase}timems{request="Fetch",quantile="0.99"}`);
  expect(quantile('requestqueue')).toBeCloseTo(0.5, 1);
  expect(quantile('local')).toBeCloseTo(1, 0);
  expect(quantile('remote')).toBeCloseTo(100, -1);
  expect(quantile('responsequeue')).toBeCloseTo(2, 0);
  expect(quantile('total')).toBeCloseTo(103.5, -1);
  expect(valueFor('kafka_network_requestmetrics_requests_total{request="Fetch"}')).toBe(100);
  expect((await telemetry.render()).text).toContain('localtimems{request="Fetch",quantile="0.99"} 0\n');
});

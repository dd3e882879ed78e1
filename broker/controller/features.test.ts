/** Levels of features: who may take part in a cluster that uses one, and when it may be raised. */
import { expect, test } from 'vitest';
import { written } from '../metadata/image-fixture.ts';
import { EMPTY_IMAGE, type FeatureRange, METADATA_VERSION, type MetadataImage } from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { registerBroker } from './brokers.ts';
import { updateFeatures } from './features.ts';
import { electionRules } from './rules-fixture.ts';

const FEATURE = METADATA_VERSION.feature;
const rules = electionRules({ minInSyncReplicas: 1 });
const range = (minSupportedVersion: number, maxSupportedVersion: number): readonly FeatureRange[] => [
  { name: FEATURE, minSupportedVersion, maxSupportedVersion },
];

const register = (image: MetadataImage, brokerId: number, features: readonly FeatureRange[]) =>
  registerBroker(
    image,
    {
      brokerId,
      incarnationId: Buffer.alloc(16, brokerId).toString('base64url'),
      endpoints: [],
      rack: null,
      directories: [Buffer.alloc(16, 100 + brokerId).toString('base64url')],
      features,
      previousEpoch: -1,
    },
    { rules, hasSession: false },
  );

/** At level 1, with a broker that knows 1 to 3 and one that knows 1 to `newest`. */
function cluster(newest: number): MetadataImage {
  let image = written(EMPTY_IMAGE, [{ kind: 'FeatureLevel', name: FEATURE, featureLevel: 1 }]);
  image = written(image, register(image, 1, range(1, 3)).records);
  image = written(image, register(image, 2, range(1, newest)).records);
  return image;
}

test('a broker that does not know the level of the cluster is refused, and told which', () => {
  const image = cluster(3);
  for (const features of [[], range(2, 3), [{ name: 'other', minSupportedVersion: 1, maxSupportedVersion: 9 }]]) {
    const { records, result } = register(image, 3, features);
    expect([records, result.errorCode]).toEqual([[], ErrorCode.UNSUPPORTED_VERSION]);
    expect(result.errorMessage).toContain(`${FEATURE} at level 1`);
  }
  expect(register(image, 3, range(1, 1)).result.errorCode).toBe(ErrorCode.NONE);
});

test('a level is raised once every registered broker knows it, and never lowered', () => {
  const raised = updateFeatures(cluster(3), [{ feature: FEATURE, level: 3 }]);
  expect(raised.records).toEqual([{ kind: 'FeatureLevel', name: FEATURE, featureLevel: 3 }]);
  const tooOld = updateFeatures(cluster(2), [{ feature: FEATURE, level: 3 }]);
  expect(tooOld).toMatchObject({ records: [], result: { errorCode: ErrorCode.INVALID_UPDATE_VERSION } });
  expect(tooOld.result.errorMessage).toContain('Broker 2 supports levels 1 to 2');
  for (const level of [0, -1]) {
    const lowered = updateFeatures(cluster(3), [{ feature: FEATURE, level }]);
    expect(lowered).toMatchObject({ records: [], result: { errorCode: ErrorCode.INVALID_UPDATE_VERSION } });
  }
  expect(updateFeatures(cluster(3), [{ feature: FEATURE, level: 1 }])).toMatchObject({
    records: [],
    result: { errorCode: ErrorCode.NONE },
  });
});

test('one update that is refused refuses all', () => {
  const updates = [
    { feature: FEATURE, level: 3 },
    { feature: 'no.such', level: 1 },
  ];
  expect(updateFeatures(cluster(3), updates)).toMatchObject({
    records: [],
    result: { errorCode: ErrorCode.INVALID_UPDATE_VERSION, errorMessage: expect.stringContaining('no.such') },
  });
});

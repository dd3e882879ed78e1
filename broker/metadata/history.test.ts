import { expect, test } from 'vitest';
import { TERMS_MAX } from './history.ts';
import { written } from './image-fixture.ts';
import { EMPTY_IMAGE, ImageBuilder, type MetadataRecord, positionOf, relateToHistory, type TermImage } from './mod.ts';

const id = (at: number): string => Buffer.from(String(at).padStart(16, '0')).toString('base64url');
const claim = (at: number): MetadataRecord => ({
  kind: 'RegisterController',
  controllerId: 1,
  incarnationId: id(at),
  zkMigrationReady: false,
  endPoints: [],
  features: [],
});
const term = (controllerEpoch: number, startOffset: number, restoredTo = -1): TermImage => ({
  controllerEpoch,
  startOffset,
  termId: id(controllerEpoch),
  restoredTo,
});
const at = (nextOffset: number, controllerEpoch: number, termId = id(controllerEpoch)) => ({
  nextOffset,
  controllerEpoch,
  termId,
});

test('a position is of the term whose batch was read last', () => {
  const image = written(written(written(EMPTY_IMAGE, [claim(1)]), [{ kind: 'NoOp' }]), [claim(2)]);
  expect(image.terms.map(({ startOffset, termId }) => [startOffset, termId])).toEqual([
    [0, id(1)],
    [2, id(2)],
  ]);
  expect(positionOf(image)).toEqual({ nextOffset: 3, controllerEpoch: 1, termId: id(2) });
});

test('who knows the same term at an offset knows the same batches', () => {
  const history = { nextOffset: 30, terms: [term(5, 10), term(6, 20)] };
  for (const [position, relation] of [
    [at(0, 0), 'same'],
    [at(11, 5), 'same'],
    [at(20, 5), 'same'],
    [at(21, 6), 'same'],
    [at(30, 6), 'same'],
    [at(31, 6), 'ahead'],
    // Its controller went on after the next one had claimed the log in the history, so it was another log.
    [at(21, 5), 'apart'],
    [at(20, 6, id(66)), 'apart'],
    [at(25, 6, id(66)), 'apart'],
    // Older than what the history remembers, or read before terms were.
    [at(10, 4), 'unknown'],
    [at(25, 6, 'AAAAAAAAAAAAAAAAAAAAAA'), 'unknown'],
  ] as const) {
    expect([position, relateToHistory(history, position)]).toEqual([position, relation]);
  }
});

test('a restore gives up what was known beyond its copy, up to where it goes on, and nothing else', () => {
  const history = { nextOffset: 50, terms: [term(5, 10), term(8, 20, 40), term(9, 40)] };
  for (const [position, relation] of [
    [at(20, 5), 'same'],
    [at(25, 5), 'givenUp'],
    [at(39, 7), 'givenUp'],
    [at(15, 7), 'givenUp'],
    [at(40, 7), 'apart'],
    [at(45, 7), 'apart'],
    [at(30, 8, id(88)), 'apart'],
    [at(40, 8), 'same'],
    [at(45, 9), 'same'],
  ] as const) {
    expect([position, relateToHistory(history, position)]).toEqual([position, relation]);
  }
});

test('an image remembers so many terms and no more', () => {
  const builder = new ImageBuilder(EMPTY_IMAGE);
  for (let offset = 0; offset < TERMS_MAX + 10; offset++) {
    builder.apply({ controllerEpoch: offset + 1, records: [claim(offset)] }, offset);
  }
  const { terms } = builder.finish().image;
  expect([terms.length, terms[0]?.startOffset, terms.at(-1)?.startOffset]).toEqual([TERMS_MAX, 10, TERMS_MAX + 9]);
});

import { expect, test } from 'vitest';
import { SeededRandom } from '../std/sim/prng.ts';
import { ControlSecret } from './mod.ts';

const random = new SeededRandom(3);

test('a proof fits its role, its two nonces and its secret, and nothing else', () => {
  const secret = new ControlSecret('0123456789abcdef');
  const nonces = { client: secret.nonce(random), server: secret.nonce(random) };
  const proof = secret.proof('client', nonces);
  expect(secret.isProof(proof, 'client', nonces)).toBe(true);
  expect(secret.isProof(proof, 'server', nonces)).toBe(false);
  expect(secret.isProof(proof, 'client', { ...nonces, server: secret.nonce(random) })).toBe(false);
  expect(secret.isProof(proof, 'client', { ...nonces, client: secret.nonce(random) })).toBe(false);
  expect(new ControlSecret('0123456789abcdeF').isProof(proof, 'client', nonces)).toBe(false);
  expect(secret.isProof(Buffer.alloc(0), 'client', nonces)).toBe(false);
});

test('a secret that is too short is refused', () => {
  expect(() => new ControlSecret('short')).toThrow(expect.objectContaining({ code: 'config.invalid' }));
});

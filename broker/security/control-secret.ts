/**
 * The secret that brokers of one cluster share, until mutual TLS takes its place.
 *
 * Neither end shows it: each proves that it knows it over a nonce of the other's, so whoever listens learns nothing
 * that opens another connection. What travels afterwards is not encrypted.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { BrokerError, type Random } from '../std/mod.ts';

export const NONCE_BYTES = 32;
const SECRET_CHARACTERS_MIN = 16;

export class ControlSecret {
  private readonly secret: string;

  /** Throws BrokerError `config.invalid` for one that is too short to be guessed hardly. */
  constructor(secret: string) {
    if (secret.length < SECRET_CHARACTERS_MIN) {
      throw new BrokerError(
        'config.invalid',
        `the control secret has ${secret.length} characters; at least ${SECRET_CHARACTERS_MIN} are needed`,
      );
    }
    this.secret = secret;
  }

  nonce(random: Random): Buffer {
    return random.bytes(NONCE_BYTES);
  }

  /** What `role` answers to the other's nonce; its own is part of it, so that no answer fits another connection. */
  proof(role: 'client' | 'server', nonces: { readonly client: Buffer; readonly server: Buffer }): Buffer {
    return createHmac('sha256', this.secret).update(role).update(nonces.client).update(nonces.server).digest();
  }

  isProof(
    proof: Buffer,
    role: 'client' | 'server',
    nonces: { readonly client: Buffer; readonly server: Buffer },
  ): boolean {
    const expected = this.proof(role, nonces);
    return proof.length === expected.length && timingSafeEqual(proof, expected);
  }
}

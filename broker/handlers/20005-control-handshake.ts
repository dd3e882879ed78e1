/**
 * ControlHandshake (key 20005), version 0: proves to a peer that this broker knows the cluster's secret, and asks the
 * same of it.
 *
 * Behaviour
 * - control listener only, and the only API there before it has succeeded
 * - the first request brings the peer's nonce and gets ours with our proof; the second brings the peer's proof
 * - a wrong proof closes the connection
 */
import {
  type ControlHandshakeRequest,
  readControlHandshakeRequest,
} from '../protocol/generated/control-handshake-request.ts';
import {
  type ControlHandshakeResponseInit,
  writeControlHandshakeResponse,
} from '../protocol/generated/control-handshake-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { replyingHandler } from './handler.ts';

const NOTHING = Buffer.alloc(0);

export const controlHandshake = replyingHandler<ControlHandshakeRequest, ControlHandshakeResponseInit>({
  key: 20005,
  read: readControlHandshakeRequest,
  write: writeControlHandshakeResponse,
  handle(request, { connection }, broker, reply) {
    const { controlSecret: secret } = broker;
    const done = { errorCode: ErrorCode.NONE, nonce: NOTHING, proof: NOTHING };
    if (secret === undefined) return reply.send(done);
    const client = Buffer.from(request.nonce);
    if (request.proof === null) {
      const server = secret.nonce(broker.runtime.random);
      connection.handshakeNonce = server;
      return reply.send({ ...done, nonce: server, proof: secret.proof('server', { client, server }) });
    }
    const server = connection.handshakeNonce;
    connection.handshakeNonce = undefined;
    if (server === undefined || !secret.isProof(request.proof, 'client', { client, server })) {
      return reply.close('a peer does not know the secret of this cluster');
    }
    connection.isTrusted = true;
    reply.send(done);
  },
});

/** Opens connections to the control listeners of peers: dialled, proven on both ends, and ready for requests. */
import { type ConnectionOptions, defineCall, KafkaConnection } from '../protocol/connection/mod.ts';
import { writeControlHandshakeRequest } from '../protocol/generated/control-handshake-request.ts';
import { readControlHandshakeResponse } from '../protocol/generated/control-handshake-response.ts';
import type { ControlSecret } from '../security/mod.ts';
import { BrokerError, type Network, type Random } from '../std/mod.ts';

const handshakeCall = defineCall(20005, writeControlHandshakeRequest, readControlHandshakeResponse);

export class PeerConnector {
  private readonly network: Network;
  private readonly random: Random;
  private readonly clientId: string;
  private readonly secret: ControlSecret | undefined;

  constructor(options: {
    readonly network: Network;
    readonly random: Random;
    readonly nodeId: number;
    /** Undefined where the control listener is reached from this machine alone. */
    readonly secret: ControlSecret | undefined;
  }) {
    this.network = options.network;
    this.random = options.random;
    this.clientId = `broker-${options.nodeId}`;
    this.secret = options.secret;
  }

  /** Rejects with BrokerError `net.*`; `net.refused` also when the other end does not know the secret. */
  async connect(
    { host, port }: { readonly host: string; readonly port: number },
    options: ConnectionOptions = {},
  ): Promise<KafkaConnection> {
    const { network, clientId } = this;
    const connection = await KafkaConnection.open({ runtime: { network }, host, port, clientId, ...options });
    if (this.secret === undefined) return connection;
    try {
      await this.prove(connection, this.secret);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  private async prove(connection: KafkaConnection, secret: ControlSecret): Promise<void> {
    const client = secret.nonce(this.random);
    const challenge = await connection.request(handshakeCall, 0, { nonce: client, proof: null });
    const nonces = { client, server: Buffer.from(challenge.nonce) };
    if (!secret.isProof(Buffer.from(challenge.proof), 'server', nonces)) {
      throw new BrokerError('net.closed', 'a peer does not know the secret of this cluster');
    }
    await connection.request(handshakeCall, 0, { nonce: client, proof: secret.proof('client', nonces) });
  }
}

/** Opens connections to the control listeners of peers: dialled, proven on both ends, and ready for requests. */
import { type ConnectionOptions, defineCall, KafkaConnection } from '../protocol/connection/mod.ts';
import { writeControlHandshakeRequest } from '../protocol/generated/control-handshake-request.ts';
import { readControlHandshakeResponse } from '../protocol/generated/control-handshake-response.ts';
import type { ControlSecret } from '../security/mod.ts';
import { BrokerError, type Network, type Random } from '../std/mod.ts';
import { clientIdOf, type PeerAddress, type PeerContacts } from './peer-contacts.ts';

const handshakeCall = defineCall(20005, writeControlHandshakeRequest, readControlHandshakeResponse);

export class PeerConnector {
  private readonly network: Network;
  private readonly random: Random;
  private readonly clientId: string;
  private readonly secret: ControlSecret | undefined;
  private readonly contacts: PeerContacts | undefined;

  constructor(options: {
    readonly network: Network;
    readonly random: Random;
    readonly nodeId: number;
    /** Undefined where the control listener is reached from this machine alone. */
    readonly secret: ControlSecret | undefined;
    /** Told of every answer. */
    readonly contacts?: PeerContacts;
  }) {
    this.network = options.network;
    this.random = options.random;
    this.clientId = clientIdOf(options.nodeId);
    this.secret = options.secret;
    this.contacts = options.contacts;
  }

  /** Rejects with BrokerError `net.*`; `net.refused` also when the other end does not know the secret. */
  async connect(address: PeerAddress, options: ConnectionOptions = {}): Promise<KafkaConnection> {
    const { network, clientId } = this;
    const { host, port } = address;
    const connection = await KafkaConnection.open({ runtime: { network }, host, port, clientId, ...options });
    try {
      if (this.secret !== undefined) await this.prove(connection, this.secret);
    } catch (error) {
      connection.close();
      throw error;
    }
    connection.onAnswered = () => this.contacts?.answered(address);
    return connection;
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

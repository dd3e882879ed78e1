/** A broker asks the controller for a topic that somebody wants and nobody has made: an Envelope of its own. */
import { defineCall } from '../protocol/connection/mod.ts';
import { writeCreateTopicsRequest } from '../protocol/generated/create-topics-request.ts';
import { readCreateTopicsResponse } from '../protocol/generated/create-topics-response.ts';
import { writeEnvelopeRequest } from '../protocol/generated/envelope-request.ts';
import { readEnvelopeResponse } from '../protocol/generated/envelope-response.ts';
import { writeRequestHeader } from '../protocol/generated/request-header.ts';
import { ErrorCode, errorName, Reader, Writer } from '../protocol/mod.ts';
import { BrokerError } from '../std/mod.ts';
import type { Broker } from './broker.ts';

const envelopeCall = defineCall(58, writeEnvelopeRequest, readEnvelopeResponse);
const CREATE_TOPICS = { key: 19, version: 7 } as const;
const FLEXIBLE_HEADER = 2;
const TIMEOUT_MS = 10_000;
/** Whom the change is attributed to: the broker itself, for its client only asked for metadata. */
const PRINCIPAL = 'User:ANONYMOUS';

export interface WantedTopic {
  readonly name: string;
  readonly partitionCount: number;
  readonly replicationFactor: number;
  readonly configs: ReadonlyMap<string, string>;
}

/** Resolves when the topic is there, whoever made it; rejects with BrokerError when the controller does not make it. */
export async function requestTopic(broker: Broker, topic: WantedTopic): Promise<void> {
  const writer = new Writer();
  const clientId = `broker-${broker.nodeId}`;
  const header = {
    requestApiKey: CREATE_TOPICS.key,
    requestApiVersion: CREATE_TOPICS.version,
    correlationId: 0,
    clientId,
  };
  writeRequestHeader(writer, header, FLEXIBLE_HEADER);
  const configs = [...topic.configs].map(([name, value]) => ({ name, value }));
  const { name, partitionCount: numPartitions, replicationFactor } = topic;
  const request = {
    topics: [{ name, numPartitions, replicationFactor, assignments: [], configs }],
    timeoutMs: TIMEOUT_MS,
    validateOnly: false,
  };
  writeCreateTopicsRequest(writer, request, CREATE_TOPICS.version);
  const { errorCode, responseData } = await broker.channel.request(
    envelopeCall,
    0,
    {
      requestData: writer.finish(),
      requestPrincipal: Buffer.from(PRINCIPAL),
      clientHostAddress: Buffer.from(clientId),
    },
    TIMEOUT_MS,
  );
  if (errorCode !== ErrorCode.NONE || responseData === null) throw refused(name, errorCode, null);
  const reader = new Reader(responseData);
  reader.readInt32();
  reader.skipTaggedFields();
  const [created] = readCreateTopicsResponse(reader, CREATE_TOPICS.version).topics;
  const outcome = created?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
  if (outcome === ErrorCode.NONE || outcome === ErrorCode.TOPIC_ALREADY_EXISTS) return;
  throw refused(name, outcome, created?.errorMessage ?? null);
}

function refused(topic: string, errorCode: number, message: string | null): BrokerError {
  return new BrokerError(
    'record.invalid',
    `topic ${topic} was not created: ${errorName(errorCode)} ${message ?? ''}`.trim(),
    {
      retriable: errorCode === ErrorCode.NOT_CONTROLLER,
    },
  );
}

/** One Kafka connection, request in, response out. It knows no cluster: which broker to ask is its caller's affair. */
export { type Call, type ConnectionOptions, defineCall, KafkaConnection } from './kafka-connection.ts';

/**
 * One file per API key: authorise, ask one domain room, build the answer. In come decoded requests with their context,
 * out go responses; what an API means is decided in the rooms, not here.
 */
export { allHandlers } from './all.ts';
export { Broker, type BrokerRooms, OFFSETS_TOPIC } from './broker.ts';
export { PeerConnections } from './peer-connections.ts';
export { ProducerIds } from './producer-ids.ts';
export { HandlerRouter } from './router.ts';

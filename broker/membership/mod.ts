/**
 * This broker as a member of its cluster: it finds the active controller, registers with it, tells it that it is alive,
 * and leaves in good order; and it finds out at once when a peer's process is gone. It decides nothing about others:
 * that is the controller's affair.
 */
export { BrokerLifecycle, type LifecycleOptions, type OwnRegistration } from './broker-lifecycle.ts';
export { CONTROL_LISTENER, controlEndpointOf } from './control-endpoint.ts';
export { ControllerChannel } from './controller-channel.ts';
export { ControllerSearch } from './controller-search.ts';
export { HistoryReport } from './history-report.ts';
export { IsolationWatch } from './isolation.ts';
export { PeerConnector } from './peer-connector.ts';
export { PeerContacts } from './peer-contacts.ts';
export { type PeerPosition, peerPositions } from './peer-positions.ts';
export { PeerProbe } from './peer-probe.ts';

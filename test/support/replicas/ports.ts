/** Where the simulated brokers listen, each on the port of its own number above these. */
export const PORT_BASE = 9000;
export const CLIENT_PORT_BASE = 9500;
export const CONTROL = 'CONTROL';
export const CLIENTS = 'CLIENTS';

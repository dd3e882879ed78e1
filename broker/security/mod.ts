/**
 * Who may speak here: proofs, and later principals and what they may do. It knows nothing of connections and requests.
 */
export { ControlSecret } from './control-secret.ts';

/** The runtime of a real process; `main.ts` and tests over real sockets and files use it. */
import { randomBytes } from 'node:crypto';
import { nodeClock } from './node-clock.ts';
import { nodeDisk } from './node-disk.ts';
import { nodeExecutor } from './node-executor.ts';
import { nodeNetwork } from './node-network.ts';
import type { Logger, Runtime } from './runtime.ts';

export function nodeRuntime(log: Logger): Runtime {
  return {
    clock: nodeClock(),
    random: { uint32: () => randomBytes(4).readUInt32BE(0), bytes: (length) => randomBytes(length) },
    disk: nodeDisk(),
    network: nodeNetwork(),
    executor: nodeExecutor(),
    log,
  };
}

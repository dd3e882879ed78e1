/**
 * One broker as a process: reads its configuration, starts, serves probes and metrics, and drains on SIGTERM.
 *
 *   node broker/main.ts [--config server.properties] [--override key=value]... [--quick-start]
 */
import { enableCompileCache } from 'node:module';
import { StopSignals } from './stop-signals.ts';

const stop = new StopSignals();
// Syncs of slow disks sit in the thread pool for milliseconds, and reads wait behind them. The pool is made with its
// first use, and four threads are Node's default for any machine.
process.env.UV_THREADPOOL_SIZE ??= '16';
// Types are stripped once and kept: later starts load the sources as fast as a bundle.
enableCompileCache();
const { runBroker } = await import('./run-broker.ts');
await runBroker(process.argv.slice(2), stop);

/**
 * CPU-heavy jobs on one worker thread, started with the first job and kept. One is enough: jobs are compaction and
 * large recompressions, and on small machines more threads only take turns with the loop.
 */
import { Worker } from 'node:worker_threads';
import { BrokerError } from './broker-error.ts';
import type { Executor } from './runtime.ts';

interface Waiting {
  resolve(output: unknown): void;
  reject(error: Error): void;
}

export interface JobRequest {
  readonly id: number;
  readonly module: string;
  readonly job: string;
  readonly input: unknown;
}

export type JobReply =
  | { readonly id: number; readonly output: unknown }
  | { readonly id: number; readonly failure: { readonly message: string; readonly stack: string | undefined } };

export function nodeExecutor(): Executor {
  let worker: Worker | undefined;
  let nextId = 0;
  const waiting = new Map<number, Waiting>();

  const failAll = (error: Error): void => {
    worker = undefined;
    for (const job of waiting.values()) job.reject(error);
    waiting.clear();
  };

  const start = (): Worker => {
    const started = new Worker(new URL('./job-worker.ts', import.meta.url));
    started.unref();
    started.on('message', (reply: JobReply) => {
      const job = waiting.get(reply.id);
      waiting.delete(reply.id);
      if ('failure' in reply) {
        job?.reject(
          new BrokerError('disk.failed', `a background job failed: ${reply.failure.message}`, {
            context: { stack: reply.failure.stack },
          }),
        );
      } else job?.resolve(reply.output);
    });
    started.on('error', (error: Error) => failAll(error));
    started.on('exit', (code) => failAll(new BrokerError('disk.failed', `the worker thread ended with code ${code}`)));
    return started;
  };

  return {
    run<Input, Output>(module: string, job: string, input: Input): Promise<Output> {
      worker ??= start();
      const id = nextId++;
      const request: JobRequest = { id, module, job, input };
      return new Promise<Output>((resolve, reject) => {
        waiting.set(id, { resolve: resolve as (output: unknown) => void, reject });
        worker?.postMessage(request);
      });
    },
    async close(): Promise<void> {
      await worker?.terminate();
    },
  };
}

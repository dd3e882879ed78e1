/** The worker thread's side of `node-executor.ts`: imports the module a job names and calls it. */
import { parentPort } from 'node:worker_threads';
import { nodeDisk } from './node-disk.ts';
import type { JobReply, JobRequest } from './node-executor.ts';

type Job = (input: unknown, world: { disk: ReturnType<typeof nodeDisk> }) => unknown;

parentPort?.on('message', async (request: JobRequest) => {
  let reply: JobReply;
  try {
    const module = (await import(request.module)) as Record<string, Job>;
    const output = await module[request.job]?.(request.input, { disk: nodeDisk() });
    reply = { id: request.id, output };
  } catch (error) {
    const { message, stack } = error as Error;
    reply = { id: request.id, failure: { message, stack } };
  }
  parentPort?.postMessage(reply);
});

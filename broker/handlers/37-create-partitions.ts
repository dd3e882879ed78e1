/**
 * CreatePartitions (key 37), versions 0-3.
 *
 * Behaviour
 * - the count must grow; assignments, when given, cover exactly the new partitions
 *
 * Versions
 * - 2: flexible
 */
import { createPartitions as decide } from '../controller/mod.ts';
import {
  type CreatePartitionsRequest,
  readCreatePartitionsRequest,
} from '../protocol/generated/create-partitions-request.ts';
import {
  type CreatePartitionsResponseInit,
  writeCreatePartitionsResponse,
} from '../protocol/generated/create-partitions-response.ts';
import { handler } from './handler.ts';
import { submit } from './submit.ts';

export const createPartitions = handler<CreatePartitionsRequest, CreatePartitionsResponseInit>({
  key: 37,
  needsController: true,
  read: readCreatePartitionsRequest,
  write: writeCreatePartitionsResponse,
  async handle(request, context, broker) {
    const growths = request.topics.map(({ name, count, assignments }) => ({
      name,
      count,
      assignments: assignments?.map(({ brokerIds }) => brokerIds) ?? null,
    }));
    const grown = await submit(broker, context, (image) =>
      decide(image, growths, { random: broker.runtime.random, validateOnly: request.validateOnly }),
    );
    const results = 'errorCode' in grown ? growths.map(({ name }) => ({ name, ...grown })) : grown;
    return { throttleTimeMs: 0, results };
  },
});

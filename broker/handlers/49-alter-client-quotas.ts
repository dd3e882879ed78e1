/**
 * AlterClientQuotas (key 49), versions 0-1.
 *
 * Behaviour
 * - quotas are kept and described; they are enforced once the quotas room exists
 *
 * Versions
 * - 1: flexible
 */
import { alterClientQuotas as decide } from '../controller/mod.ts';
import {
  type AlterClientQuotasRequest,
  readAlterClientQuotasRequest,
} from '../protocol/generated/alter-client-quotas-request.ts';
import {
  type AlterClientQuotasResponseInit,
  writeAlterClientQuotasResponse,
} from '../protocol/generated/alter-client-quotas-response.ts';
import { handler } from './handler.ts';
import { submit } from './submit.ts';

export const alterClientQuotas = handler<AlterClientQuotasRequest, AlterClientQuotasResponseInit>({
  key: 49,
  needsController: true,
  read: readAlterClientQuotasRequest,
  write: writeAlterClientQuotasResponse,
  async handle(request, context, broker) {
    const altered = await submit(broker, context, (image) =>
      decide(image, request.entries, { validateOnly: request.validateOnly }),
    );
    const entries = 'errorCode' in altered ? request.entries.map(({ entity }) => ({ entity, ...altered })) : altered;
    return { throttleTimeMs: 0, entries };
  },
});

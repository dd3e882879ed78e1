/** Precedes every response. v1 has tagged fields, and is never used for ApiVersions. */
import { data, int32 } from '../../schema.ts';

export default data('ResponseHeader', '0-1', '1+', {
  correlationId: int32('0+'),
});

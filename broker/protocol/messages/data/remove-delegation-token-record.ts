/** A delegation token is no longer valid. */
import { data, string } from '../../schema.ts';

export default data('RemoveDelegationTokenRecord', '0', '0+', { tokenId: string('0+') }, { apiKey: 26 });

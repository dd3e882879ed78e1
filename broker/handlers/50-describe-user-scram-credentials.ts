/**
 * DescribeUserScramCredentials (key 50), version 0: the mechanisms and iterations of users, never their secrets.
 */
import {
  type DescribeUserScramCredentialsRequest,
  readDescribeUserScramCredentialsRequest,
} from '../protocol/generated/describe-user-scram-credentials-request.ts';
import {
  type DescribeUserScramCredentialsResponseInit,
  writeDescribeUserScramCredentialsResponse,
} from '../protocol/generated/describe-user-scram-credentials-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';

export const describeUserScramCredentials = handler<
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponseInit
>({
  key: 50,
  read: readDescribeUserScramCredentialsRequest,
  write: writeDescribeUserScramCredentialsResponse,
  handle(request, _context, broker) {
    const credentials = [...broker.image.scramCredentials.values()];
    const asked = request.users?.map(({ name }) => name) ?? [];
    const names = asked.length > 0 ? asked : [...new Set(credentials.map(({ name }) => name))];
    const results = [...new Set(names)].map((user) => {
      const credentialInfos = credentials
        .filter(({ name }) => name === user)
        .map(({ mechanism, iterations }) => ({ mechanism, iterations }));
      if (names.indexOf(user) !== names.lastIndexOf(user)) {
        const errorMessage = `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`;
        return { user, errorCode: ErrorCode.DUPLICATE_RESOURCE, errorMessage, credentialInfos: [] };
      }
      return credentialInfos.length > 0
        ? { user, errorCode: ErrorCode.NONE, errorMessage: null, credentialInfos }
        : {
            user,
            errorCode: ErrorCode.RESOURCE_NOT_FOUND,
            errorMessage: `Attempt to describe a user credential that does not exist: ${user}`,
            credentialInfos,
          };
    });
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, results };
  },
});

/** The cluster itself: versions, brokers, quorum, features, quotas, users, ACLs, producer ids, transactions. */
import type { Session } from '../session.ts';
import type { Body } from '../untyped-call.ts';
import { cases } from './scenario.ts';

export const apiVersions = cases('ApiVersions', [
  [
    'what is served',
    async (s) => s.ask(s.version >= 3 ? { clientSoftwareName: 'differential', clientSoftwareVersion: '1.0' } : {}),
  ],
  [
    'a version of the future is answered in version 0',
    async (s) => s.sendRaw('ApiVersions', 99, Buffer.alloc(0)),
    { from: 3 },
  ],
  [
    'a client without a name',
    async (s) => s.ask({ clientSoftwareName: '', clientSoftwareVersion: '1.0' }),
    { from: 3 },
  ],
  [
    'a client with a strange name',
    async (s) => s.ask({ clientSoftwareName: 'a b', clientSoftwareVersion: '1.0' }),
    { from: 3 },
  ],
  [
    'a client with a strange version',
    async (s) => s.ask({ clientSoftwareName: 'a', clientSoftwareVersion: '-1' }),
    { from: 3 },
  ],
]);

export const describeCluster = cases('DescribeCluster', [
  ['brokers', async (s) => s.ask(s.version >= 1 ? { endpointType: 1 } : {})],
  ['authorized operations', async (s) => s.ask({ includeClusterAuthorizedOperations: true })],
  ['fenced brokers', async (s) => s.ask({ endpointType: 1, includeFencedBrokers: true }), { from: 2 }],
  ['controllers, asked of a broker', async (s) => s.ask({ endpointType: 2 }), { from: 1 }],
  ['an endpoint that does not exist', async (s) => s.ask({ endpointType: 9 }), { from: 1 }],
]);

const METADATA_TOPIC = '__cluster_metadata';
export const describeQuorum = cases('DescribeQuorum', [
  [
    'the metadata log',
    async (s) => s.ask({ topics: [{ topicName: METADATA_TOPIC, partitions: [{ partitionIndex: 0 }] }] }),
  ],
  ['another topic', async (s) => s.ask({ topics: [{ topicName: 'other', partitions: [{ partitionIndex: 0 }] }] })],
  [
    'another partition',
    async (s) => s.ask({ topics: [{ topicName: METADATA_TOPIC, partitions: [{ partitionIndex: 3 }] }] }),
  ],
]);

const feature = (s: Session, name: string, maxVersionLevel: number, options: Body = {}) =>
  s.ask({ timeoutMs: 10_000, featureUpdates: [{ feature: name, maxVersionLevel, ...options }] });

export const updateFeatures = cases('UpdateFeatures', [
  ['none', async (s) => s.ask({ timeoutMs: 10_000 })],
  ['an unknown feature', async (s) => feature(s, 'no.such.feature', 1)],
  ['an empty feature', async (s) => feature(s, '', 1)],
  ['a level that is too high', async (s) => feature(s, 'metadata.version', 999)],
  [
    'an upgrade type that does not exist',
    async (s) => feature(s, 'metadata.version', 20, { upgradeType: 9 }),
    { from: 1 },
  ],
]);

const quotas = (s: Session, components: readonly Body[], strict = false) => s.ask({ components, strict });
const altered = (s: Session, entity: readonly Body[], ops: readonly Body[], request: Body = {}) =>
  s.ask({ entries: [{ entity, ops }], ...request });
const user = (s: Session) => [{ entityType: 'user', entityName: s.name('u') }];

export const describeClientQuotas = cases('DescribeClientQuotas', [
  [
    'of a user',
    async (s) => {
      await s.prepare('AlterClientQuotas', {
        entries: [
          {
            entity: user(s),
            ops: [
              { key: 'producer_byte_rate', value: 1000 },
              { key: 'request_percentage', value: 50 },
            ],
          },
        ],
      });
      await s.settle();
      await quotas(s, [{ entityType: 'user', matchType: 0, match: s.name('u') }]);
      await quotas(s, [{ entityType: 'user', matchType: 0, match: s.name('u') }], true);
      await quotas(s, [{ entityType: 'user', matchType: 0, match: s.name('v') }]);
    },
  ],
  [
    'of a user and client',
    async (s) => {
      const entity = [...user(s), { entityType: 'client-id', entityName: s.name('c') }];
      await s.prepare('AlterClientQuotas', { entries: [{ entity, ops: [{ key: 'consumer_byte_rate', value: 7 }] }] });
      await s.settle();
      await quotas(s, [{ entityType: 'user', matchType: 0, match: s.name('u') }]);
      await quotas(s, [{ entityType: 'user', matchType: 0, match: s.name('u') }], true);
      await quotas(
        s,
        [
          { entityType: 'user', matchType: 0, match: s.name('u') },
          { entityType: 'client-id', matchType: 2, match: null },
        ],
        true,
      );
    },
  ],
  ['an entity that does not exist', async (s) => quotas(s, [{ entityType: 'planet', matchType: 2, match: null }])],
  ['an empty entity type', async (s) => quotas(s, [{ entityType: '', matchType: 2, match: null }])],
  ['a match that does not exist', async (s) => quotas(s, [{ entityType: 'user', matchType: 9, match: null }])],
  ['an exact match without a name', async (s) => quotas(s, [{ entityType: 'user', matchType: 0, match: null }])],
  ['a default match with a name', async (s) => quotas(s, [{ entityType: 'user', matchType: 1, match: 'x' }])],
  [
    'the same entity type twice',
    async (s) =>
      quotas(s, [
        { entityType: 'user', matchType: 2, match: null },
        { entityType: 'user', matchType: 1, match: null },
      ]),
  ],
  [
    'an ip beside a user',
    async (s) =>
      quotas(s, [
        { entityType: 'ip', matchType: 2, match: null },
        { entityType: 'user', matchType: 2, match: null },
      ]),
  ],
]);

export const alterClientQuotas = cases('AlterClientQuotas', [
  [
    'sets and removes',
    async (s) => {
      await altered(s, user(s), [{ key: 'producer_byte_rate', value: 1000 }]);
      await altered(s, user(s), [{ key: 'producer_byte_rate', remove: true }]);
      await s.observe('DescribeClientQuotas', {
        components: [{ entityType: 'user', matchType: 0, match: s.name('u') }],
      });
    },
  ],
  [
    'only validated',
    async (s) => {
      await altered(s, user(s), [{ key: 'producer_byte_rate', value: 1000 }], { validateOnly: true });
      await s.observe('DescribeClientQuotas', {
        components: [{ entityType: 'user', matchType: 0, match: s.name('u') }],
      });
    },
  ],
  ['an unknown key', async (s) => altered(s, user(s), [{ key: 'no_such_rate', value: 1 }])],
  ['a value of zero', async (s) => altered(s, user(s), [{ key: 'producer_byte_rate', value: 0 }])],
  ['a negative value', async (s) => altered(s, user(s), [{ key: 'producer_byte_rate', value: -1 }])],
  ['a fraction where a whole is wanted', async (s) => altered(s, user(s), [{ key: 'producer_byte_rate', value: 0.5 }])],
  [
    'an entity that does not exist',
    async (s) => altered(s, [{ entityType: 'planet', entityName: 'x' }], [{ key: 'producer_byte_rate', value: 1 }]),
  ],
  [
    'an empty name',
    async (s) => altered(s, [{ entityType: 'user', entityName: '' }], [{ key: 'producer_byte_rate', value: 1 }]),
  ],
  ['no entity', async (s) => altered(s, [], [{ key: 'producer_byte_rate', value: 1 }])],
  [
    'the same entity type twice',
    async (s) => altered(s, [...user(s), ...user(s)], [{ key: 'producer_byte_rate', value: 1 }]),
  ],
  [
    'the same key twice',
    async (s) =>
      altered(
        s,
        user(s),
        [
          { key: 'producer_byte_rate', value: 1 },
          { key: 'producer_byte_rate', value: 2 },
        ],
        { validateOnly: true },
      ),
  ],
  [
    'an ip',
    async (s) =>
      altered(s, [{ entityType: 'ip', entityName: '127.0.0.9' }], [{ key: 'connection_creation_rate', value: 100 }], {
        validateOnly: true,
      }),
  ],
  [
    'an ip that is none',
    async (s) =>
      altered(s, [{ entityType: 'ip', entityName: 'not an ip' }], [{ key: 'connection_creation_rate', value: 100 }]),
  ],
  [
    'a key of users for an ip',
    async (s) =>
      altered(s, [{ entityType: 'ip', entityName: '127.0.0.9' }], [{ key: 'producer_byte_rate', value: 100 }]),
  ],
  [
    'an ip beside a user',
    async (s) =>
      altered(
        s,
        [...user(s), { entityType: 'ip', entityName: '127.0.0.9' }],
        [{ key: 'producer_byte_rate', value: 1 }],
      ),
  ],
  [
    'the same entity twice',
    async (s) =>
      s.ask({
        entries: [
          { entity: user(s), ops: [{ key: 'producer_byte_rate', value: 1 }] },
          { entity: user(s), ops: [{ key: 'producer_byte_rate', value: 2 }] },
        ],
        validateOnly: true,
      }),
  ],
  ['nothing', async (s) => s.ask({ entries: [] })],
]);

export const describeUserScramCredentials = cases('DescribeUserScramCredentials', [
  ['of everybody', async (s) => s.ask({ users: null })],
  ['of everybody, with an empty list', async (s) => s.ask({ users: [] })],
  ['of a user nobody knows', async (s) => s.ask({ users: [{ name: s.name('u') }] })],
  ['of the same user twice', async (s) => s.ask({ users: [{ name: s.name('u') }, { name: s.name('u') }] })],
  ['of a user without a name', async (s) => s.ask({ users: [{ name: '' }] })],
]);

const ANY_ACL = {
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
};
const ACL = { resourceType: 2, resourceName: 't', principal: 'User:u', host: '*', operation: 3, permissionType: 3 };

export const describeAcls = cases('DescribeAcls', [
  ['where there is no authorizer', async (s) => s.ask(ANY_ACL)],
  ['of a kind that does not exist', async (s) => s.ask({ ...ANY_ACL, resourceTypeFilter: 99 })],
]);
export const createAcls = cases('CreateAcls', [
  ['where there is no authorizer', async (s) => s.ask({ creations: [ACL] })],
  ['none', async (s) => s.ask({ creations: [] })],
  ['of a kind that does not exist', async (s) => s.ask({ creations: [{ ...ACL, resourceType: 99 }] })],
]);
export const deleteAcls = cases('DeleteAcls', [
  ['where there is no authorizer', async (s) => s.ask({ filters: [ANY_ACL, ANY_ACL] })],
  ['none', async (s) => s.ask({ filters: [] })],
]);

const DAY_MS = 86_400_000;
export const initProducerId = cases('InitProducerId', [
  ['a new one', async (s) => s.ask({ transactionalId: null, transactionTimeoutMs: 60_000 })],
  ['an empty transactional id', async (s) => s.ask({ transactionalId: '', transactionTimeoutMs: 60_000 })],
  [
    'a transaction timeout without a transactional id',
    async (s) => s.ask({ transactionalId: null, transactionTimeoutMs: 99 * DAY_MS }),
  ],
  [
    'an id without an epoch',
    async (s) => s.ask({ transactionalId: null, transactionTimeoutMs: 60_000, producerId: 5 }),
    { from: 3 },
  ],
  [
    'an epoch without an id',
    async (s) => s.ask({ transactionalId: null, transactionTimeoutMs: 60_000, producerEpoch: 5 }),
    { from: 3 },
  ],
  [
    'an id and an epoch',
    async (s) => s.ask({ transactionalId: null, transactionTimeoutMs: 60_000, producerId: 5, producerEpoch: 1 }),
    { from: 3 },
  ],
]);

export const listTransactions = cases('ListTransactions', [
  ['none there are', async (s) => s.ask({})],
  ['by state', async (s) => s.ask({ stateFilters: ['Ongoing', 'NoSuchState'] })],
  ['by producer', async (s) => s.ask({ producerIdFilters: [99] })],
  ['by a pattern', async (s) => s.ask({ transactionalIdPattern: 'a.*' }), { from: 2 }],
  ['by a pattern that is none', async (s) => s.ask({ transactionalIdPattern: '(' }), { from: 2 }],
]);

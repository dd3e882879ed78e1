/**
 * Where Ottla answers otherwise on purpose. Each entry names the API, the field, and the words of
 * broker/handlers/deviations.md that give the reason; one that no longer shows fails the run.
 */
export interface Intended {
  readonly api: string;
  /** The case's title; absent: every case of the API. */
  readonly title?: string;
  /** Matches `Api:path.of.field`. */
  readonly path: RegExp;
  /** A phrase that stands in broker/handlers/deviations.md. */
  readonly reason: string;
}

/** Parts joined into one pattern: a list that no line could hold. */
const configs = (...names: string[]): RegExp => new RegExp(`configs\\[(${names.join('|')})\\]`);

const NEWER_CONFIGS = configs(
  'errors\\.deadletterqueue\\.[a-z.]+',
  '(log\\.)?remote\\.copy\\.lag\\.[a-z]+',
  'sasl\\.oauthbearer\\.allow\\.[a-z.]+',
  '(group\\.)?streams\\.[a-z.]+',
);
const PLACE_CONFIGS = configs(
  'advertised\\.listeners',
  'listeners',
  'listener\\.security\\.protocol\\.map',
  'log\\.dirs',
  'broker\\.id',
  'controller\\..*',
  'process\\.roles',
);

export const intended: readonly Intended[] = [
  { api: 'ApiVersions', path: /apiKeys\[\d+\]/, reason: 'APIs that are not served yet' },
  { api: 'ApiVersions', path: /(supported|finalized)Features/, reason: '**Features' },
  { api: 'Produce', title: 'null records', path: /:$/, reason: '**Answers where Kafka falls silent' },
  { api: 'AlterConfigs', title: 'the same resource twice', path: /:$/, reason: '**Answers where Kafka falls silent' },
  {
    api: 'Produce',
    title: 'a codec that does not exist',
    path: /errorCode$/,
    reason: '**Precise errors instead of UNKNOWN_SERVER_ERROR',
  },
  {
    api: 'IncrementalAlterConfigs',
    title: 'an operation that does not exist',
    path: /errorCode$/,
    reason: '**Precise errors instead of UNKNOWN_SERVER_ERROR',
  },
  { api: 'Metadata', title: 'neither name nor id', path: /./, reason: '**A malformed Metadata request' },
  {
    api: 'Metadata',
    title: 'an id before ids could be asked for',
    path: /./,
    reason: '**A malformed Metadata request',
  },
  {
    api: 'Fetch',
    title: 'a limit in the middle of the second batch',
    path: /records$/,
    reason: '**Fetch returns whole batches',
  },
  { api: 'CreateTopics', path: /topicId$/, reason: '**A topic that was only validated has no id' },
  { api: 'CreateTopics', path: NEWER_CONFIGS, reason: '**Configs of Kafka 4.4' },
  { api: 'DescribeConfigs', path: NEWER_CONFIGS, reason: '**Configs of Kafka 4.4' },
  {
    api: 'DescribeConfigs',
    title: 'every config of the broker',
    path: /configs\[broker\.session\.timeout\.ms\]\.value/,
    reason: '**`broker.session.timeout.ms` is 6 s',
  },
  {
    api: 'DescribeConfigs',
    title: 'every config of the broker',
    path: PLACE_CONFIGS,
    reason: 'KRaft',
  },
  {
    api: 'DescribeConfigs',
    title: 'every config of the broker',
    path: /configs\[((leader|follower)\.replication\.throttled\.rate|replica\.alter\.log\.dirs\..*)\]/,
    reason: '**Limits of replication traffic',
  },
  { api: 'Fetch', title: 'a replica that is none', path: /currentLeader/, reason: '**The current leader' },
  {
    api: 'AlterClientQuotas',
    title: 'the same entity type twice',
    path: /./,
    reason: '**A quota entity that names a type twice',
  },
  {
    api: 'Produce',
    title: 'sequences in order',
    path: /^DescribeProducers:/,
    reason: '**DescribeProducers',
  },
  { api: 'DescribeQuorum', path: /./, reason: '**DescribeQuorum' },
];

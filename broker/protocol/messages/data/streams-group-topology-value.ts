/** A streams group's topology: which topics each part reads, writes and needs created. */
import { data, int16, int16s, int32, list, string, strings } from '../../schema.ts';

const topicInfo = {
  name: string('0+'),
  partitions: int32('0+'),
  replicationFactor: int16('0+'),
  topicConfigs: list('0+', {
    key: string('0+'),
    value: string('0+'),
  }),
};

export default data(
  'StreamsGroupTopologyValue',
  '0',
  '0+',
  {
    epoch: int32('0+'),
    subtopologies: list('0+', {
      subtopologyId: string('0+'),
      sourceTopics: strings('0+'),
      sourceTopicRegex: strings('0+'),
      stateChangelogTopics: list('0+', topicInfo),
      repartitionSinkTopics: strings('0+'),
      repartitionSourceTopics: list('0+', topicInfo),
      copartitionGroups: list('0+', {
        sourceTopics: int16s('0+'),
        sourceTopicRegex: int16s('0+'),
        repartitionSourceTopics: int16s('0+'),
      }),
    }),
  },
  { apiKey: 23 },
);

/** Stores the description of a streams group's topology: every processor node, and how they are connected. */
import { api, int8, int16, int32, list, message, string, strings, struct } from '../schema.ts';

const topologyNode = {
  name: string('0+'),
  nodeType: int8('0+'),
  sourceTopics: strings('0+'),
  sinkTopic: string('0+', { nullable: '0+', default: null }),
  stores: strings('0+'),
  successors: strings('0+'),
};

export default api({
  key: 93,
  name: 'StreamsGroupTopologyDescriptionUpdate',
  listeners: ['broker'],
  request: message('0', '0+', {
    groupId: string('0+'),
    memberId: string('0+'),
    topologyEpoch: int32('0+'),
    topologyDescription: struct('0+', {
      subtopologies: list('0+', {
        subtopologyId: string('0+'),
        nodes: list('0+', topologyNode),
      }),
      globalStores: list('0+', {
        source: struct('0+', topologyNode),
        processor: struct('0+', topologyNode),
      }),
    }),
  }),
  response: message('0', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
  }),
});

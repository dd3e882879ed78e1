/** Client metrics subscriptions (KIP-714). Names, types, defaults and ranges are Kafka's; the sentences are ours. */
import type { ConfigDefinition } from '../definition.ts';

export const clientMetricsDefinitions: readonly ConfigDefinition[] = [
  { name: 'metrics', type: 'list', default: '', valid: 'unique', importance: 'medium', update: 'dynamic', doc: '' },
  {
    name: 'interval.ms',
    type: 'int',
    default: '300000',
    valid: '100..3600000',
    importance: 'medium',
    update: 'dynamic',
    doc: '',
  },
  { name: 'match', type: 'list', default: '', valid: 'unique', importance: 'medium', update: 'dynamic', doc: '' },
];

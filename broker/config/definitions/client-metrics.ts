/** Client metrics subscriptions (KIP-714). Names, types, defaults and ranges are Kafka's; the sentences are ours. */
import type { ConfigDefinition } from '../definition.ts';

export const clientMetricsDefinitions: readonly ConfigDefinition[] = [
  {
    name: 'metrics',
    type: 'list',
    default: '',
    valid: 'unique',
    importance: 'medium',
    update: 'dynamic',
    doc: 'Prefixes of the client metrics that this subscription asks for; an asterisk asks for all.',
  },
  {
    name: 'interval.ms',
    type: 'int',
    default: '300000',
    valid: '100..3600000',
    importance: 'medium',
    update: 'dynamic',
    doc: 'Time in milliseconds between two pushes of a client.',
  },
  {
    name: 'match',
    type: 'list',
    default: '',
    valid: 'unique',
    importance: 'medium',
    update: 'dynamic',
    doc: 'Which clients the subscription concerns, as attribute=pattern.',
  },
];

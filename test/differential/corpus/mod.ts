/** Every case, API by API. */
import type { Scenario } from '../session.ts';
import * as cluster from './cluster.ts';
import * as configs from './configs.ts';
import * as fetch from './fetch.ts';
import * as groups from './groups.ts';
import { produce } from './produce.ts';
import * as topics from './topics.ts';

export const corpus: readonly Scenario[] = [
  ...produce,
  ...[fetch, groups, topics, configs, cluster].flatMap((room) => Object.values(room).flat()),
];

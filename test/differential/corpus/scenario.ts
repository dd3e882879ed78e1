/** How the corpus is written: one line per case, the API named once per list. */
import type { Scenario, Session } from '../session.ts';

type Case = readonly [
  title: string,
  run: (session: Session) => Promise<unknown>,
  versions?: { from?: number; to?: number },
];

export function cases(api: string, list: readonly Case[]): Scenario[] {
  return list.map(([title, run, versions]) => ({
    api,
    title,
    ...versions,
    run: async (session) => {
      await run(session);
    },
  }));
}

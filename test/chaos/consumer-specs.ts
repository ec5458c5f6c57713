import type { ConsumeOptions } from '../../src/consumer/options.ts';
import type { SeenEvent } from '../support/history-checker.ts';
import { orgs, sites } from '../support/trap-transactions.ts';

/** One durable consumer of the run, which every instance runs; for the judge as well, who asks no product code what is due. */
export interface ConsumerSpec {
  name: string;
  options: Pick<
    ConsumeOptions<never>,
    'partitions' | 'batch' | 'scope' | 'types' | 'onPoison' | 'maxAttempts' | 'idleTimeoutMs'
  >;
  /** Whether its handler gets drizzle transactions, or `pg` clients. */
  drizzle: boolean;
  /** It can be rebuilt, and is rewound. */
  rebuildable: boolean;
  /** Its handler throws now and then, and for poisoned events always, until they are mended. */
  fails: boolean;
  wants: (event: SeenEvent) => boolean;
  /** Within a lane the order of the log holds. */
  laneOf: (event: SeenEvent) => string;
}

const everything = { drizzle: false, fails: false, rebuildable: false, wants: () => true };
const byOrg = ({ org }: SeenEvent) => org;
const [acme] = orgs;
const [site] = sites;

export const consumerSpecs: readonly ConsumerSpec[] = [
  { ...everything, name: 'whole', options: { partitions: 1 }, rebuildable: true, laneOf: byOrg },
  {
    ...everything,
    name: 'parts',
    // Shorter than a process may be frozen: the server ends its transaction, and with it its locks.
    options: { partitions: 4, idleTimeoutMs: 2_000 },
    drizzle: true,
    rebuildable: true,
    laneOf: byOrg,
  },
  {
    ...everything,
    name: 'filtered',
    options: { scope: { org: acme, site, deep: true }, types: ['changed'] },
    wants: (event) => event.org === acme && event.site === site && event.type === 'changed',
    laneOf: byOrg,
  },
  {
    ...everything,
    name: 'failing',
    // What fails is tried one by one: few enough that it keeps up beside its failures.
    options: { partitions: 2, batch: 20, onPoison: 'park-stream', maxAttempts: 3 },
    fails: true,
    laneOf: ({ org, stream = '' }) => `${org} ${stream}`,
  },
];

export function isPoisoned({ data }: Pick<SeenEvent, 'data'>): boolean {
  return (data as { poison?: unknown } | null)?.poison === true;
}

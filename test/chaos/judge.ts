import {
  checkHistory,
  flawless,
  isSeenBy,
  type Defect,
  type Fact,
  type SeenEvent,
  type Span,
} from '../support/history-checker.ts';
import type { ChaosClient } from './client.ts';
import { judgeConsumers, judgeVersions, type ConsumerEvidence } from './judge-consumers.ts';
import type { Ledger } from './ledger.ts';

export const promises = [
  'missed',
  'doubled',
  'inverted',
  'foreign',
  'ghosts',
  'altered',
  'reset',
  'refused',
  'afterRevocation',
  // Of consumers.
  'unhandled',
  'rehandled',
  'disordered',
  'misfolded',
  // Of streams.
  'misversioned',
] as const;
export type Promised = (typeof promises)[number];

export interface Verdict {
  counts: Record<Promised, number>;
  /** The first few of each kind, in words. */
  examples: Partial<Record<Promised, string[]>>;
  /** What was looked at, so that an empty run is not taken for a good one. */
  looked: {
    events: number;
    facts: number;
    clients: number;
    deliveries: number;
    drops: number;
    revoked: number;
    handled: number;
    versions: number;
  };
}

export interface Case {
  /** The log as the database has it, rising, without control events. */
  log: readonly SeenEvent[];
  /** What the business rows say. */
  facts: readonly Fact[];
  spans: ReadonlyMap<string, Span>;
  clients: readonly ChaosClient[];
  /** Those that were there at the end: they have to have everything. */
  present: ReadonlySet<ChaosClient>;
  /** By the client's name: nothing after this position may reach it. */
  revocations: ReadonlyMap<string, number>;
  ledger: Ledger;
  consumers: ConsumerEvidence;
}

const maxExamples = 5;

/**
 * Compares the log with the business rows, and then what each client got with the log of its rooms: from where it began
 * to the end, or to where it left or was revoked; and what consumers have made of the log with the log.
 */
export function judge({
  log,
  facts,
  spans,
  clients,
  present,
  revocations,
  ledger,
  consumers,
}: Case): Verdict {
  const counts = Object.fromEntries(promises.map((name) => [name, 0])) as Verdict['counts'];
  const examples: Verdict['examples'] = {};
  const find = (promise: Promised, example: string) => {
    counts[promise]++;
    const found = (examples[promise] ??= []);
    if (found.length < maxExamples) found.push(example);
  };

  const byOrg = new Map<string, SeenEvent[]>();
  for (const event of log) {
    const events = byOrg.get(event.org);
    if (events) events.push(event);
    else byOrg.set(event.org, [event]);
  }
  const perOrg = checkHistory({
    facts,
    spans,
    clients: [...byOrg].map(([org, events]) => ({
      name: `the log of ${org}`,
      org,
      subscriptions: [{ deep: true }],
      steps: [
        { kind: 'live', cursor: 'log-0' },
        { kind: 'events', events, cursor: `log-${events.at(-1)?.position}` },
      ],
    })),
  });
  for (const promise of promises) {
    if (!isOfHistory(promise)) continue;
    counts[promise] += perOrg[promise];
    for (const example of perOrg.examples[promise] ?? []) (examples[promise] ??= []).push(example);
  }

  const byPosition = new Map(log.map((event) => [event.position, event]));
  for (const event of log)
    if (!ledger.agrees(event)) find('altered', `the log has something else at ${event.position}`);
  const looked = { ...emptyLook, events: log.length, facts: facts.length, clients: clients.length };
  judgeConsumers(log, consumers, find);
  looked.handled = consumers.handled.length;
  looked.versions = judgeVersions(log, facts, find);

  for (const client of clients) {
    const { name, positions } = client;
    looked.deliveries += positions.length;
    looked.drops += client.drops;
    for (const what of client.foreign) find('foreign', `${name}: ${what}`);
    for (const what of client.altered) find('altered', `${name}: ${what} is not what others saw`);
    for (const what of client.resets) find('reset', `${name}: ${what}`);
    for (const what of client.refusals) find('refused', `${name}: ${what}`);
    for (const what of client.leaks) find('afterRevocation', what);

    const revokedAt = revocations.get(name) ?? Infinity;
    if (revokedAt < Infinity) looked.revoked++;
    const seen = new Set<number>();
    let last = -1;
    for (const position of positions) {
      const at = `${name}: position ${position}`;
      if (seen.has(position)) find('doubled', [at, ...client.repeats.slice(0, 1)].join('; '));
      else if (position < last) find('inverted', `${at} came after ${last}`);
      seen.add(position);
      last = Math.max(last, position);
      if (!byPosition.has(position)) find('ghosts', at);
      if (position > revokedAt) find('afterRevocation', `${at}, revoked at ${revokedAt}`);
    }

    const stays = present.has(client) && revokedAt === Infinity;
    if (client.start === undefined && stays) find('missed', `${name} was never live`);
    const start = client.start ?? Infinity;
    const end = stays ? Infinity : client.end;
    for (const event of byOrg.get(client.org) ?? []) {
      const { position } = event;
      if (position <= start || position > end || seen.has(position) || !isSeenBy(client, event)) continue;
      find('missed', `${name}: position ${position}, of (${start}, ${end}]`);
    }
  }
  return { counts, examples, looked };
}

const emptyLook: Verdict['looked'] = {
  events: 0,
  facts: 0,
  clients: 0,
  deliveries: 0,
  drops: 0,
  revoked: 0,
  handled: 0,
  versions: 0,
};

function isOfHistory(promise: Promised): promise is Promised & Defect {
  return promise in flawless;
}

import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { expect } from 'vitest';
import { append } from '../../../src/log/append.ts';
import { supportName } from '../../support/administer.ts';
import type { TestDatabase } from '../../support/database.ts';
import { isSeenBy, positionOf, type SeenEvent } from '../../support/history-checker.ts';
import { Observer } from '../../support/observers.ts';
import { queryOnce } from '../../support/postgres-node.ts';
import { startServer, type TestServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

export type Written = Pick<SeenEvent, 'id' | 'org' | 'site' | 'unit'>;

export function startInstance(url: string, { relay = true } = {}): Promise<TestServer> {
  return startServer({ url } as TestDatabase, { adapter: 'postgres', relay, tailBytes: 128 * 1024 });
}

/** Commits so many events of all kinds of rooms, one after another, each with so many characters. */
export async function write(url: string, count: number, size = 0): Promise<Written[]> {
  const scopes = [{}, { site: 's1' }, { site: 's1', unit: 'u1' }, { site: 's2', unit: 'u2' }];
  const events = Array.from({ length: count }, (_, n) => ({
    id: randomUUID(),
    org: n % 3 === 2 ? 'rival' : 'acme',
    ...scopes[n % scopes.length],
  }));
  await commit(url, events, 'x'.repeat(size));
  return events;
}

async function commit(url: string, events: readonly Written[], data = ''): Promise<void> {
  const client = new Client({ connectionString: url, application_name: supportName });
  client.on('error', () => undefined);
  await client.connect();
  try {
    for (const event of events) await append(client, { ...event, type: 'changed', data });
  } finally {
    await client.end();
  }
}

/** Clients with what different pages would ask for, each on one of the instances. */
export async function connectObservers(instances: readonly TestServer[]): Promise<Observer[]> {
  const observers = [
    new Observer('deep', 'acme', [{ deep: true }]),
    new Observer('org', 'acme', []),
    new Observer('site', 'acme', [{ site: 's1', deep: true }]),
    new Observer('unit', 'acme', [{ unit: 'u1' }]),
    new Observer('rival', 'rival', [{ deep: true }]),
    new Observer('rival-site', 'rival', [{ site: 's1' }]),
  ];
  await Promise.all(
    observers.map((observer, n) => observer.connect(instances[n % instances.length]?.url ?? '')),
  );
  return observers;
}

export async function untilSeen(observers: readonly Observer[], written: readonly Written[]): Promise<void> {
  for (const observer of observers) {
    const wanted = written.filter((event) => isSeenBy(observer, event));
    await until(() => wanted.every(({ id }) => observer.seen.has(id)), {
      message: `${observer.name} to see what was written`,
    });
  }
}

/** Resolves when every instance is in another epoch than this one: with that epoch. */
export function untilLeft(epoch: string, instances: readonly TestServer[]): Promise<string> {
  return until(
    () => {
      const epochs = new Set(instances.map(({ app }) => epochOf(app.commitcast.cursor())));
      return epochs.size === 1 && !epochs.has(epoch) && [...epochs][0];
    },
    { message: `all instances to leave the epoch ${epoch}` },
  );
}

export function resetsOf({ steps }: Observer): { reason: string; cursor: string }[] {
  return steps.flatMap((step) =>
    step.kind === 'reset' ? [{ reason: step.reason, cursor: step.cursor }] : [],
  );
}

export function epochOf(cursor: string | undefined): string {
  return cursor?.slice(0, cursor.lastIndexOf('-')) ?? '';
}

interface LogRow {
  position: string;
  id: string;
  org: string;
  site: string | null;
  unit: string | null;
}

/** The log, as the database at this address has it. */
export async function readLog(url: string): Promise<SeenEvent[]> {
  const rows = await queryOnce<LogRow>(
    url,
    'select position, id, org_id as org, site_id as site, unit_id as unit from commitcast.log order by position',
  );
  return rows.map(({ position, site, unit, ...row }) => ({
    ...row,
    position: Number(position),
    site: site ?? undefined,
    unit: unit ?? undefined,
    data: null,
  }));
}

/**
 * Each client has had, since its last reset, or since its start when it had none: exactly what the log has of its rooms
 * after that cursor, in order. One more event is committed to tell that all before it has come.
 */
export async function expectComplete(url: string, observers: readonly Observer[]): Promise<void> {
  const last = ['acme', 'rival'].map((org) => ({ id: randomUUID(), org }));
  await commit(url, last);
  await untilSeen(observers, last);
  const log = await readLog(url);
  for (const observer of observers) {
    const { steps } = observer;
    const turn = steps.findLastIndex(({ kind }) => kind === 'reset');
    const [first] = steps.slice(Math.max(turn, 0)).flatMap(cursorOf);
    const start = positionOf(first ?? '');
    const got = steps.slice(turn + 1).flatMap((step) => (step.kind === 'events' ? step.events : []));
    const due = log.filter((event) => event.position > start && isSeenBy(observer, event));
    expect(got.map(shortOf), observer.name).toEqual(due.map(shortOf));
  }
}

/** What a client starts from: the cursor that it came with, or that of its first `live`, or of its reset. */
function cursorOf(step: Observer['steps'][number]): string[] {
  return 'cursor' in step && step.kind !== 'events' && step.cursor !== undefined ? [step.cursor] : [];
}

const shortOf = ({ position, id }: SeenEvent) => `${position} ${id}`;

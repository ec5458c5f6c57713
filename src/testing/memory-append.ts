import { createHash } from 'node:crypto';
import { CommitcastError, VersionConflictError } from '../core/errors.ts';
import type { NewEvent } from '../core/event.ts';
import type { PendingEvent } from './memory-log.ts';
import { toPending, type Appended } from './memory-outbox.ts';
import type { TablesOfTransaction } from './memory-tables.ts';

/** What the rows of `append` are, and which of them are new: none, when the key was committed before. */
export interface AppendResult {
  readonly ids: readonly string[];
  readonly pending: readonly PendingEvent[];
}

/**
 * What `commitcast.append` does: gives versions under the lock of each stream, and appends once per key.
 *
 * @throws {CommitcastError} `EVENT_INVALID`, `EVENT_TOO_LARGE`, `VERSION_CONFLICT` or `KEY_REUSED`
 */
export async function appendIn(
  tables: TablesOfTransaction,
  { events, key, chunk, chunks }: Appended,
): Promise<AppendResult> {
  if (key === null) return insertIn(tables, events);
  const [org, ...others] = new Set(events.map((event) => event.org));
  if (others.length > 0) throw new CommitcastError('EVENT_INVALID', 'events with a key are all of one org');
  const digest = digestOf({
    chunks,
    events: events.map((event) => ({ ...event, expectedVersion: undefined, meta: withoutTrace(event) })),
  });
  const known = await tables.appendKey.lock(org, key, chunk);
  if (known?.digest === digest) return { ids: known.ids, pending: [] };
  if (known)
    throw new CommitcastError('KEY_REUSED', `the key ${quoted(key)} was used before, for other events`);
  const inserted = await insertIn(tables, events);
  tables.appendKey.write({ digest, ids: inserted.ids }, org, key, chunk);
  return inserted;
}

async function insertIn(tables: TablesOfTransaction, events: readonly NewEvent[]): Promise<AppendResult> {
  const versions = await takeVersions(tables, events);
  const pending = events.map((event) => toPending(event, versions.get(event)));
  return { ids: pending.map(({ id }) => id), pending };
}

/** The version of each event that is of a stream. */
async function takeVersions(
  tables: TablesOfTransaction,
  events: readonly NewEvent[],
): Promise<ReadonlyMap<NewEvent, number>> {
  const streams = new Map<string, { org: string; stream: string; expected?: number; events: NewEvent[] }>();
  for (const event of events) {
    const { org, stream, expectedVersion = 'any' } = event;
    if (stream === undefined) continue;
    const name = `${org} ${stream}`;
    const taking = streams.get(name) ?? { org, stream, events: [] };
    streams.set(name, taking);
    taking.events.push(event);
    if (expectedVersion !== 'any') taking.expected = expectedVersion === 'none' ? 0 : expectedVersion;
  }
  const versions = new Map<NewEvent, number>();
  for (const { org, stream, expected, events: taking } of inOneOrder([...streams.values()])) {
    const actual = (await tables.stream.lock(org, stream)) ?? 0;
    if (expected !== undefined && expected !== actual)
      throw new VersionConflictError(
        { org, stream, expected, actual },
        `stream ${quoted(stream)} of ${org} is at version ${actual}, not at ${expected}`,
      );
    for (const [index, event] of taking.entries()) versions.set(event, actual + index + 1);
    tables.stream.write(actual + taking.length, org, stream);
  }
  return versions;
}

/** Locks streams before any of them gets a version, as `commitcast.lock_streams` does. */
export async function lockStreams(
  tables: TablesOfTransaction,
  streams: readonly { org: string; stream: string }[],
): Promise<void> {
  for (const { org, stream } of inOneOrder(streams)) await tables.stream.lock(org, stream);
}

/** So that two calls never wait for each other. */
function inOneOrder<Named extends { org: string; stream: string }>(streams: readonly Named[]): Named[] {
  const name = ({ org, stream }: Named) => `${org} ${stream}`;
  return streams.toSorted((one, other) => (name(one) < name(other) ? -1 : 1));
}

/** A retry comes from another span. An empty one counts as none. */
function withoutTrace({ meta }: NewEvent): NewEvent['meta'] {
  const { traceparent: _, tracestate: __, ...rest } = meta ?? {};
  return Object.keys(rest).length === 0 ? undefined : rest;
}

/** The same for the same JSON, whatever the order of its fields. */
function digestOf(json: unknown): string {
  const text = JSON.stringify(json, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
      : value,
  );
  return createHash('md5').update(text).digest('hex');
}

/** As the database quotes a literal. */
function quoted(text: string): string {
  return `'${text.slice(0, 80).replaceAll("'", "''")}'`;
}

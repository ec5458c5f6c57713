import type { Tombstone } from '../core/erased.ts';
import type { CommitcastEvent } from '../core/event.ts';
import type { Scope } from '../core/sees.ts';
import { timeOf, type EventRow } from './event-row.ts';

/**
 * An event on its way to clients: what decides where it goes, and its JSON. `data` and `meta` are the text that Postgres
 * gave: they are neither parsed nor written anew, so numbers of any size arrive as they were said.
 */
export interface WireEvent extends Scope {
  readonly position: number;
  readonly stream: string | undefined;
  /** The event as every wire carries it; without line breaks. */
  readonly json: string;
  /** Of the JSON. */
  readonly bytes: number;
}

/**
 * A number of so many digits is sent as a double: Postgres writes 1e300 as a 1 with 300 zeros, and parsers that guard
 * themselves take such a number for an attack (python-engineio: from 100 digits on).
 */
const longNumber = /\d{100}/;

const written = (json: string): string => (longNumber.test(json) ? JSON.stringify(JSON.parse(json)) : json);

/** Ids need no quoting: `commitcast.identifier` has no character that JSON escapes. */
export function toWireEvent(row: EventRow): WireEvent {
  const { id, org_id: org, site_id: site, unit_id: unit, stream } = row;
  let json = `{"position":${row.position},"id":"${id}","type":${JSON.stringify(row.type)},"org":"${org}"`;
  if (site !== null) json += `,"site":"${site}"`;
  if (unit !== null) json += `,"unit":"${unit}"`;
  if (stream !== null) json += `,"stream":${JSON.stringify(stream)}`;
  if (row.version !== null) json += `,"version":${row.version}`;
  json += `,"time":"${timeOf(row.created_at)}","data":${written(row.data)}`;
  if (row.meta !== null) json += `,"meta":${written(row.meta)}`;
  json += '}';
  return {
    position: Number(row.position),
    org,
    ...(site === null ? {} : { site }),
    ...(unit === null ? {} : { unit }),
    stream: stream ?? undefined,
    json,
    bytes: Buffer.byteLength(json),
  };
}

/** The event itself, for those who look into it. */
export function eventOf({ json }: WireEvent): CommitcastEvent {
  return JSON.parse(json) as CommitcastEvent;
}

/** The event as it is after an erasure. */
export function erased(event: WireEvent, data: Tombstone): WireEvent {
  const { meta: _, ...rest } = eventOf(event);
  const json = JSON.stringify({ ...rest, data });
  return { ...event, json, bytes: Buffer.byteLength(json) };
}

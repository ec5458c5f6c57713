import type { Fact, SeenEvent } from '../support/history-checker.ts';
import type { ConsumerSpec } from './consumer-specs.ts';
import type { Promised } from './judge.ts';
import { foldStep } from './read-model.ts';

/** A row of a read model. */
export interface ReadModelRow {
  consumer: string;
  lane: string;
  events: number;
  last: number;
  fold: string;
}

/** What consumers have written, as the database has it. */
export interface ConsumerEvidence {
  specs: readonly ConsumerSpec[];
  readModels: readonly ReadModelRow[];
  /** In the order in which events were handled, of each lane at least. */
  handled: readonly { consumer: string; lane: string; position: number }[];
}

type Find = (promise: Promised, example: string) => void;

/** Compares each read model with a fold of the log, and what was handled with what was due. */
export function judgeConsumers(
  log: readonly SeenEvent[],
  { specs, readModels, handled }: ConsumerEvidence,
  find: Find,
): void {
  const byPosition = new Map(log.map((event) => [event.position, event]));
  for (const { name, wants, laneOf } of specs) {
    const due = new Map<string, ReadModelRow>();
    const positions = new Set<number>();
    for (const event of log) {
      if (!wants(event)) continue;
      positions.add(event.position);
      const lane = laneOf(event);
      const row = due.get(lane) ?? { consumer: name, lane, events: 0, last: 0, fold: '' };
      const fold = foldStep(row.fold, event);
      due.set(lane, { ...row, events: row.events + 1, last: event.position, fold });
    }
    for (const row of readModels) {
      if (row.consumer !== name) continue;
      const expected = due.get(row.lane);
      due.delete(row.lane);
      if (expected ? textOf(row) !== textOf(expected) : row.events > 0)
        find('misfolded', `${name}, ${row.lane}: ${textOf(row)} instead of ${expected && textOf(expected)}`);
    }
    for (const [lane, row] of due) find('misfolded', `${name}, ${lane}: nothing instead of ${textOf(row)}`);

    const seen = new Set<number>();
    const last = new Map<string, number>();
    for (const { consumer, lane, position } of handled) {
      if (consumer !== name) continue;
      const at = `${name}: position ${position} of ${lane}`;
      const before = last.get(lane) ?? 0;
      if (seen.has(position)) find('rehandled', at);
      else if (position < before) find('disordered', `${at} was handled after ${before}`);
      seen.add(position);
      last.set(lane, Math.max(before, position));
      if (!byPosition.has(position)) find('ghosts', at);
      else if (!positions.has(position)) find('foreign', at);
    }
    for (const position of positions)
      if (!seen.has(position)) find('unhandled', `${name}: position ${position}`);
  }
}

/** Versions of a stream are dense from 1 in the order of positions, and what the business was told. */
export function judgeVersions(log: readonly SeenEvent[], facts: readonly Fact[], find: Find): number {
  const told = new Map(facts.map(({ id, version }) => [id, version]));
  const versions = new Map<string, number>();
  let looked = 0;
  for (const { position, id, org, stream, version } of log) {
    if (stream === undefined) continue;
    looked++;
    const name = `${org} ${stream}`;
    const next = (versions.get(name) ?? 0) + 1;
    versions.set(name, version ?? next);
    const at = `${name}: version ${version} at position ${position}`;
    if (version !== next) find('misversioned', `${at} instead of ${next}`);
    else if (told.get(id) !== version) find('misversioned', `${at}, and its writer has seen ${told.get(id)}`);
  }
  return looked;
}

function textOf({ events, last, fold }: ReadModelRow): string {
  return `${events} events to ${last}, fold ${fold}`;
}

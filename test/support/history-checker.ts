import * as testing from '../../src/testing/check-history.ts';
import { Findings } from '../../src/testing/findings.ts';
import type { ClientHistory, SeenEvent } from '../../src/testing/history.ts';

export { isSeenBy, positionOf } from '../../src/testing/history.ts';
export type { ClientHistory, SeenEvent, Step } from '../../src/testing/history.ts';

/**
 * Judges what clients saw by what the business rows say: beside what the fault kit's checker finds, the order that the
 * rows' locks decided. It knows the contract (rooms, cursors, promises P1 to P4) and nothing of how it is kept: neither
 * the log nor the outbox.
 */

/** What a business row says: one event that a committed transaction has to say. */
export interface Fact {
  id: string;
  transaction: string;
  /** Writers work alone and in turn: a transaction begins after the writer's last one has ended. */
  writer: number;
  sequence: number;
  /** Place among the events of its transaction. */
  turn: number;
  /** The hot row whose lock decided the order, and its version: the one that the transaction wrote or, under a share lock, read. */
  row: string;
  version: number;
  read: boolean;
  org: string;
  site?: string | undefined;
  unit?: string | undefined;
}

/** When a transaction began and had committed, by one clock: who began after another had committed comes after it. */
export interface Span {
  began: number;
  /** `Infinity`: the writer never heard. */
  committed: number;
}

export interface History {
  facts: readonly Fact[];
  clients: readonly ClientHistory[];
  spans?: ReadonlyMap<string, Span>;
}

/** Nothing here calls for a `reset`, so each is one. */
const defects = [...testing.defects, 'reset'] as const;
export type Defect = (typeof defects)[number];

export type Report = Record<Defect, number> & {
  /** The first few of each kind, in words. */
  examples: Partial<Record<Defect, string[]>>;
  /** What was looked at, so that an empty history is not taken for a good one. */
  looked: { facts: number; clients: number; events: number; drops: number };
};

export const flawless = Object.fromEntries(defects.map((defect) => [defect, 0])) as Record<Defect, number>;

export function checkHistory({ facts, clients, spans = new Map() }: History): Report {
  const findings = new Findings<Defect>(defects);
  const byId = new Map(facts.map((fact) => [fact.id, fact]));
  // The rows know no positions: where the first client saw an event is where it is.
  const positions = new Map<string, number>();
  const holders = new Map<number, string>();
  let drops = 0;

  for (const { name, steps } of clients) {
    const seen = new Set<string>();
    const order = new OrderCheck(spans, (example) => {
      findings.add('inverted', `${name}: ${example}`);
    });
    for (const step of steps) {
      if (step.kind === 'dropped') drops++;
      if (step.kind === 'reset') findings.add('reset', `${name}: ${step.reason} at ${step.cursor}`);
      for (const event of step.kind === 'events' ? step.events : []) {
        if (seen.has(event.id)) continue;
        seen.add(event.id);
        const what = `${name}: event ${event.id} at ${event.position}`;
        if (!positions.has(event.id)) positions.set(event.id, event.position);
        const holder = holders.get(event.position) ?? event.id;
        holders.set(event.position, holder);
        if (holder !== event.id) findings.add('altered', `${what}, where another saw ${holder}`);

        const fact = byId.get(event.id);
        if (!fact) continue;
        for (const difference of differences(fact, event)) findings.add('altered', `${what}: ${difference}`);
        order.next(fact, what);
      }
    }
  }

  // What nobody has seen was missed by all who should have.
  const log = facts.map(({ id, org, site, unit }) => {
    return { id, org, site, unit, position: positions.get(id) ?? Infinity };
  });
  // Whoever was away at the end should have come back.
  const judged = clients.map(({ name, org, subscriptions, steps }) => {
    return { name, org, subscriptions, steps: steps.filter(({ kind }) => kind !== 'dropped') };
  });
  const { examples, looked, ...found } = testing.checkHistory({ log, clients: judged });
  for (const defect of testing.defects) {
    findings.counts[defect] += found[defect];
    if (examples[defect]) (findings.examples[defect] ??= []).push(...examples[defect]);
  }
  return {
    ...findings.counts,
    examples: findings.examples,
    looked: { facts: facts.length, clients: clients.length, events: looked.events, drops },
  };
}

/** Follows one client's events and says when one comes too late. */
class OrderCheck {
  readonly #spans: ReadonlyMap<string, Span>;
  readonly #invert: (example: string) => void;
  readonly #rows = new Map<string, { rank: number; fact: Fact }>();
  readonly #writers = new Map<number, Fact>();
  #latest: { began: number; fact: Fact } | undefined;

  constructor(spans: ReadonlyMap<string, Span>, invert: (example: string) => void) {
    this.#spans = spans;
    this.#invert = invert;
  }

  next(fact: Fact, name: string): void {
    // A reader of a version comes after who wrote it, and before who wrote the next one.
    const rank = fact.version * 2 + (fact.read ? 1 : 0);
    const row = this.#rows.get(fact.row);
    if (row && row.rank > rank)
      this.#invert(`${name}: ${versionText(fact)} after ${versionText(row.fact)} of ${row.fact.id}`);
    if (!row || row.rank < rank) this.#rows.set(fact.row, { rank, fact });

    const before = this.#writers.get(fact.writer);
    if (before && (before.sequence - fact.sequence || before.turn - fact.turn) > 0)
      this.#invert(
        `${name}: ${turnText(fact)} of writer ${fact.writer} after ${turnText(before)}, ${before.id}`,
      );
    else this.#writers.set(fact.writer, fact);

    const span = this.#spans.get(fact.transaction);
    if (!span) return;
    if (this.#latest && this.#latest.began > span.committed)
      this.#invert(`${name}: had committed before the transaction of ${this.#latest.fact.id} began`);
    if (!this.#latest || span.began > this.#latest.began) this.#latest = { began: span.began, fact };
  }
}

/** What the event says otherwise than the business row. An event that was inserted before the lock knows no version. */
function differences(fact: Fact, event: SeenEvent): string[] {
  const said = (event.data ?? {}) as { [Name in keyof Fact]?: unknown };
  const found: string[] = [];
  for (const name of ['row', 'version', 'writer', 'sequence'] as const) {
    const value = said[name];
    if (value !== undefined && value !== null && value !== fact[name])
      found.push(`${name} ${JSON.stringify(value)} instead of ${fact[name]}`);
  }
  return found;
}

function versionText({ row, version, read }: Fact): string {
  return `${read ? 'reader of ' : ''}version ${version} of ${row}`;
}

function turnText({ sequence, turn }: Fact): string {
  return `transaction ${sequence}.${turn}`;
}

/**
 * Judges what clients saw by what the business rows say. It knows the contract (rooms, cursors, promises P1 to P4) and
 * nothing of how it is kept: neither the log nor the outbox.
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

export interface SeenEvent {
  type?: string;
  id: string;
  position: number;
  org: string;
  site?: string | undefined;
  unit?: string | undefined;
  data: unknown;
}

/** One thing that happened to a client, in its own order. */
export type Step =
  | { kind: 'connected'; cursor: string | undefined }
  | { kind: 'live'; cursor: string }
  | { kind: 'events'; events: SeenEvent[]; cursor: string }
  | { kind: 'reset'; reason: string; cursor: string }
  | { kind: 'dropped' };

export interface Scope {
  site?: string;
  unit?: string;
  deep?: boolean;
}

export interface ClientHistory {
  name: string;
  org: string;
  /** Beside the org's own events, which everybody sees. */
  subscriptions: readonly Scope[];
  steps: readonly Step[];
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

const defects = ['missed', 'doubled', 'inverted', 'foreign', 'ghost', 'altered', 'reset'] as const;
export type Defect = (typeof defects)[number];

export type Report = Record<Defect, number> & {
  /** The first few of each kind, in words. */
  examples: Partial<Record<Defect, string[]>>;
  /** What was looked at, so that an empty history is not taken for a good one. */
  looked: { facts: number; clients: number; events: number; drops: number };
};

export const flawless = Object.fromEntries(defects.map((defect) => [defect, 0])) as Record<Defect, number>;

const maxExamples = 5;

export function checkHistory({ facts, clients, spans = new Map() }: History): Report {
  const report: Report = {
    ...flawless,
    examples: {},
    looked: { facts: facts.length, clients: clients.length, events: 0, drops: 0 },
  };
  const find = (defect: Defect, example: string) => {
    report[defect]++;
    const examples = (report.examples[defect] ??= []);
    if (examples.length < maxExamples) examples.push(example);
  };
  const byId = new Map(facts.map((fact) => [fact.id, fact]));
  const positions = new Map<string, number>();
  const holders = new Map<number, string>();

  for (const client of clients) {
    const seen = new Set<string>();
    const order = new OrderCheck(spans, (example) => {
      find('inverted', `${client.name}: ${example}`);
    });
    let last = -1;
    for (const step of client.steps) {
      if (step.kind === 'dropped') report.looked.drops++;
      if (step.kind === 'reset') find('reset', `${client.name}: ${step.reason} at ${step.cursor}`);
      if (step.kind !== 'events') continue;
      for (const event of step.events) {
        report.looked.events++;
        const name = `${client.name}: event ${event.id} at ${event.position}`;
        if (seen.has(event.id)) {
          find('doubled', name);
          continue;
        }
        seen.add(event.id);
        if (event.position <= last) find('inverted', `${name} came after position ${last}`);
        last = Math.max(last, event.position);

        const elsewhere = positions.get(event.id) ?? event.position;
        positions.set(event.id, elsewhere);
        if (elsewhere !== event.position) find('altered', `${name} was at ${elsewhere} for another`);
        const holder = holders.get(event.position) ?? event.id;
        holders.set(event.position, holder);
        if (holder !== event.id) find('altered', `${name}, where another saw ${holder}`);

        if (!isSeenBy(client, event)) find('foreign', `${name} is of ${scopeText(event)}`);
        const fact = byId.get(event.id);
        if (!fact) {
          find('ghost', name);
          continue;
        }
        for (const difference of differences(fact, event)) find('altered', `${name}: ${difference}`);
        order.next(fact, name);
      }
      if (positionOf(step.cursor) < last)
        find('inverted', `${client.name}: cursor ${step.cursor} after ${last}`);
    }
  }

  for (const client of clients) {
    const seen = new Set(
      client.steps.flatMap((step) => (step.kind === 'events' ? step.events.map(({ id }) => id) : [])),
    );
    const start = startOf(client);
    for (const fact of facts) {
      // Where nobody has seen it, it was missed by all who should have.
      const position = positions.get(fact.id) ?? Infinity;
      if (seen.has(fact.id) || position <= start || !isSeenBy(client, fact)) continue;
      find('missed', `${client.name}: event ${fact.id} at ${position} of ${scopeText(fact)}`);
    }
  }
  return report;
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

/** The cursor of the first `live`, or the one that the client came with. */
function startOf({ steps }: ClientHistory): number {
  for (const step of steps) {
    if (step.kind === 'connected' && step.cursor !== undefined) return positionOf(step.cursor);
    if (step.kind === 'live') return positionOf(step.cursor);
  }
  return -1;
}

/** The cursor's text is `<epoch>-<position>`. */
export function positionOf(cursor: string): number {
  return Number(cursor.slice(cursor.lastIndexOf('-') + 1));
}

export function isSeenBy(
  { org, subscriptions }: Pick<ClientHistory, 'org' | 'subscriptions'>,
  about: Pick<SeenEvent, 'org' | 'site' | 'unit'>,
): boolean {
  if (about.org !== org) return false;
  if (about.site === undefined && about.unit === undefined) return true;
  return subscriptions.some(({ site, unit, deep = false }) => {
    if (unit !== undefined) return about.unit === unit;
    if (site === undefined) return deep;
    return about.site === site && (deep || about.unit === undefined);
  });
}

/** What the event says otherwise than the business row. An event that was inserted before the lock knows no version. */
function differences(fact: Fact, event: SeenEvent): string[] {
  const said = (event.data ?? {}) as { [Name in keyof Fact]?: unknown };
  const found: string[] = [];
  if (scopeText(fact) !== scopeText(event)) found.push(`${scopeText(event)} instead of ${scopeText(fact)}`);
  for (const name of ['row', 'version', 'writer', 'sequence'] as const) {
    const value = said[name];
    if (value !== undefined && value !== null && value !== fact[name])
      found.push(`${name} ${JSON.stringify(value)} instead of ${fact[name]}`);
  }
  return found;
}

function scopeText({ org, site = '', unit = '' }: Pick<SeenEvent, 'org' | 'site' | 'unit'>): string {
  return `${org}/${site}/${unit}`;
}

function versionText({ row, version, read }: Fact): string {
  return `${read ? 'reader of ' : ''}version ${version} of ${row}`;
}

function turnText({ sequence, turn }: Fact): string {
  return `transaction ${sequence}.${turn}`;
}

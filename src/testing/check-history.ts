import { isDeepStrictEqual } from 'node:util';
import { subscriptionKey, type Subscription } from '../core/subscription.ts';
import { Findings } from './findings.ts';
import { isSeenBy, positionOf, scopeText, type ClientHistory, type SeenEvent } from './history.ts';

/** In the order of the words of the contract: complete, once, in order, isolated, atomic, as it was written. */
export const defects = ['missed', 'doubled', 'inverted', 'foreign', 'ghosts', 'altered'] as const;
export type Defect = (typeof defects)[number];

export type HistoryReport = Record<Defect, number> & {
  /** The first few of each kind, in words. */
  examples: Partial<Record<Defect, string[]>>;
  /**
   * What was looked at, so that an empty history is not taken for a good one. `away`: clients whose last step is
   * `dropped`; they are asked for no more than what came before their last cursor.
   */
  looked: { log: number; clients: number; events: number; drops: number; resets: number; away: number };
};

export interface History {
  /** What was committed, in the order of its positions. */
  readonly log: readonly SeenEvent[];
  readonly clients: readonly ClientHistory[];
}

/**
 * Judges what clients saw by what was committed: from its start to its end, each client has exactly the log of its
 * rooms, once, in order. `reset` ends one stretch of it, and begins another after its cursor; a revocation ends what
 * could be seen only by what was revoked. Knows the contract, and nothing of how it is kept.
 *
 * @example
 * const { examples, looked, ...defects } = checkHistory({ log: await readWholeLog(pool), clients: [alice, bob] });
 * assert.deepEqual(examples, {});
 * assert.ok(looked.events > 0);
 */
export function checkHistory({ log, clients }: History): HistoryReport {
  const findings = new Findings(defects);
  const byId = new Map(log.map((event) => [event.id, event]));
  const looked = { log: log.length, clients: clients.length, events: 0, drops: 0, resets: 0, away: 0 };
  for (const client of clients) {
    const view = new View(client, byId, findings);
    for (const step of client.steps) {
      if (step.kind === 'events') looked.events += step.events.length;
      if (step.kind === 'dropped') looked.drops++;
      if (step.kind === 'reset') looked.resets++;
    }
    if (client.steps.at(-1)?.kind === 'dropped') looked.away++;
    view.walk();
    view.findMissed(log);
  }
  return { ...findings.counts, examples: findings.examples, looked };
}

/** A part of a client's history without a seam: it has everything of its rooms from `start` to `end`. */
interface Stretch {
  /** Position after which it begins; `undefined` until it is known. */
  start: number | undefined;
  end: number;
  /** Highest position that was seen, or that a cursor said. */
  last: number;
  readonly seen: Set<string>;
}

class View {
  readonly #client: ClientHistory;
  readonly #byId: ReadonlyMap<string, SeenEvent>;
  readonly #findings: Findings<Defect>;
  readonly #stretches: Stretch[] = [];
  #stretch = this.#begin(undefined);
  /** What it may see now, and what it could see until when. */
  #active: readonly Subscription[];
  readonly #ended: { subscription: Subscription; end: number }[] = [];
  #revoked = false;

  constructor(client: ClientHistory, byId: ReadonlyMap<string, SeenEvent>, findings: Findings<Defect>) {
    this.#client = client;
    this.#byId = byId;
    this.#findings = findings;
    this.#active = client.subscriptions;
  }

  walk(): void {
    const { name, steps, revokedAt = Infinity } = this.#client;
    for (const step of steps) {
      switch (step.kind) {
        case 'connected':
          // Without a cursor it is live from then on, whatever it had before.
          if (step.cursor !== undefined) this.#stretch.start ??= positionOf(step.cursor);
          else if (this.#stretch.start !== undefined) this.#stretch = this.#begin(undefined);
          break;
        case 'live':
          this.#stretch.start ??= positionOf(step.cursor);
          this.#keep(step.cursor);
          break;
        case 'events':
          for (const event of step.events)
            this.#see(event, `${name}: event ${event.id} at ${event.position}`);
          this.#keep(step.cursor);
          break;
        case 'reset':
          this.#stretch = this.#begin(positionOf(step.cursor));
          break;
        case 'revoked':
          this.#revoke(step.subscription);
          break;
        case 'dropped':
          break;
      }
    }
    const over = this.#revoked || steps.at(-1)?.kind === 'dropped';
    this.#stretch.end = revokedAt < Infinity ? revokedAt : over ? this.#stretch.last : Infinity;
  }

  /** What each stretch should have had; after `walk`. */
  findMissed(log: readonly SeenEvent[]): void {
    const { name, org } = this.#client;
    for (const { start, end, seen } of this.#stretches) {
      if (start === undefined) continue;
      for (const event of log) {
        const { id, position } = event;
        if (seen.has(id) || position <= start || position > end) continue;
        const subscriptions = this.#ended
          .filter((one) => position <= one.end)
          .map(({ subscription }) => subscription)
          .concat(this.#active);
        if (isSeenBy({ org, subscriptions }, event))
          this.#findings.add('missed', `${name}: event ${id} at ${position} of ${scopeText(event)}`);
      }
    }
  }

  #begin(start: number | undefined): Stretch {
    const former = this.#stretches.at(-1);
    if (former) former.end = former.last;
    const stretch = { start, end: Infinity, last: start ?? -1, seen: new Set<string>() };
    this.#stretches.push(stretch);
    return stretch;
  }

  #keep(cursor: string): void {
    const { name } = this.#client;
    const { last } = this.#stretch;
    const position = positionOf(cursor);
    if (position < last) this.#findings.add('inverted', `${name}: cursor ${cursor} after ${last}`);
    this.#stretch.last = Math.max(last, position);
  }

  #see(event: SeenEvent, name: string): void {
    const { id, position } = event;
    const { seen } = this.#stretch;
    if (seen.has(id)) {
      this.#findings.add('doubled', name);
      return;
    }
    seen.add(id);
    const { last } = this.#stretch;
    if (position <= last) this.#findings.add('inverted', `${name} came after position ${last}`);
    this.#stretch.last = Math.max(last, position);

    const { org, revokedAt = Infinity } = this.#client;
    const mayIt = isSeenBy({ org, subscriptions: this.#active }, event);
    if (!mayIt) this.#findings.add('foreign', `${name} is of ${scopeText(event)}`);
    else if (this.#revoked || position > revokedAt) this.#findings.add('foreign', `${name}, once revoked`);

    const logged = this.#byId.get(id);
    if (!logged) this.#findings.add('ghosts', name);
    else
      for (const difference of differences(logged, event))
        this.#findings.add('altered', `${name}: ${difference}`);
  }

  #revoke(subscription: Subscription | undefined): void {
    if (!subscription) {
      this.#revoked = true;
      return;
    }
    const key = subscriptionKey(subscription);
    this.#active = this.#active.filter((one) => subscriptionKey(one) !== key);
    this.#ended.push({ subscription, end: this.#stretch.last });
  }
}

/** What was seen otherwise than it was logged: where it is, and what it says as far as the log has it. */
function differences(logged: SeenEvent, seen: SeenEvent): string[] {
  const found: string[] = [];
  if (logged.position !== seen.position) found.push(`it is at ${logged.position}`);
  if (scopeText(logged) !== scopeText(seen)) found.push(`${scopeText(seen)} instead of ${scopeText(logged)}`);
  for (const field of ['type', 'stream', 'version', 'data', 'meta'] as const) {
    if (field in logged && !isDeepStrictEqual(logged[field], seen[field]))
      found.push(`${field} ${JSON.stringify(seen[field])} instead of ${JSON.stringify(logged[field])}`);
  }
  return found;
}

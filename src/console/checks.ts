import type { CommitcastEvent } from '../client/index.ts';

export interface Counts {
  received: number;
  /** Of them, before it was live. */
  replayed: number;
  /** With an id that was there already. */
  twice: number;
  /** With a position below the one before. */
  disordered: number;
  /** Numbers of readings that were left out. */
  missing: number;
  /** From transactions that were rolled back. */
  ghosts: number;
}

interface SavedChecks {
  counts: Counts;
  last: number;
  numbered: boolean;
  rolledBack?: number | undefined;
  numbers: Record<string, number>;
}

const nothing = (): SavedChecks => ({
  counts: { received: 0, replayed: 0, twice: 0, disordered: 0, missing: 0, ghosts: 0 },
  last: 0,
  numbered: false,
  numbers: {},
});

/**
 * What the page can check by itself, without believing the server or the client. Positions of other orgs leave gaps, so
 * positions cannot tell what is missing; the demo numbers the readings of each unit, and announces how many transactions
 * it has rolled back after they had appended.
 */
export class Checks {
  readonly #saved: SavedChecks;

  constructor(saved?: SavedChecks) {
    this.#saved = { ...nothing(), ...saved };
  }

  get counts(): Counts {
    return this.#saved.counts;
  }

  get last(): number {
    return this.#saved.last;
  }

  get numbered(): boolean {
    return this.#saved.numbered;
  }

  get rolledBack(): number | undefined {
    return this.#saved.rolledBack;
  }

  save(): SavedChecks {
    return this.#saved;
  }

  forgetNumbers(): void {
    this.#saved.numbers = {};
  }

  /** Whether the event is a new one. */
  take(event: CommitcastEvent, replayed: boolean, known: () => boolean): boolean {
    const { counts, last } = this.#saved;
    if (event.position <= last) {
      if (known()) {
        counts.twice++;
        return false;
      }
      counts.disordered++;
    }
    this.#saved.last = event.position;
    counts.received++;
    if (replayed) counts.replayed++;
    const { type, data } = event;
    const count = fieldOf(data, 'count');
    if (type === 'ghost.appended') counts.ghosts++;
    if (type === 'rollback.counted' && Number.isInteger(count)) this.#saved.rolledBack = count;
    if (type === 'reading.recorded' && event.unit !== undefined)
      this.#number(event.unit, fieldOf(data, 'number'));
    return true;
  }

  /** Whether the reading is the one after the last one. */
  #number(unit: string, number: number | undefined): void {
    if (number === undefined) return;
    this.#saved.numbered = true;
    const last = this.#saved.numbers[unit];
    this.#saved.numbers[unit] = number;
    if (last === undefined) return;
    this.#saved.counts.missing += Math.max(0, number - last - 1);
    if (number <= last) this.#saved.counts.twice++;
  }
}

function fieldOf(data: unknown, name: string): number | undefined {
  const value =
    typeof data === 'object' && data !== null ? (data as Record<string, unknown>)[name] : undefined;
  return typeof value === 'number' ? value : undefined;
}

import type { CommitcastEvent, CursorStore, Subscription } from '../client/index.ts';
import { Checks, type Counts } from './checks.ts';
import { Observable } from './observable.ts';

export type Row =
  | { readonly seq: number; readonly event: CommitcastEvent; readonly replayed: boolean }
  | { readonly seq: number; readonly mark: string };

/** The part of `sessionStorage` that is used. */
export interface Storage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

/** What is shown of it. */
export interface LedgerView {
  /** The newest first, at most `maxRows`. */
  readonly rows: readonly Row[];
  readonly counts: Counts;
  /** Whether readings have numbers, so that one that is missing would show. */
  readonly numbered: boolean;
  /** Transactions that the demo has rolled back, where it tells. */
  readonly rolledBack: number | undefined;
  readonly cursor: string | undefined;
  /** Position of the last event. */
  readonly last: number;
  /** Another one after all was void: rows of different eras have nothing in common. */
  readonly era: number;
  readonly followed: readonly Subscription[] | undefined;
  /** Ids of events that this page has published. */
  readonly mine: ReadonlySet<string>;
}

interface Saved {
  /** What the client keeps: its cursor. */
  progress?: string | undefined;
  followed?: readonly Subscription[] | undefined;
  rows: Row[];
  seq: number;
  mine: string[];
  checks?: ReturnType<Checks['save']> | undefined;
}

/** Bounded, and so are the page and what is kept over a reload. */
export const maxRows = 500;

const saveAfterMs = 1_000;
const drawEveryMs = 40;

/**
 * What the page has received. The rows and the client's cursor are kept together, in one item of `sessionStorage`:
 * whichever moment a reload comes at, what is shown then and what is replayed then fit exactly.
 */
export class Ledger {
  readonly view = new Observable<LedgerView>(() => this.#draw(), drawEveryMs);
  readonly #key: string;
  readonly #storage: Storage;
  #saved: Saved = { rows: [], seq: 0, mine: [] };
  #checks = new Checks();
  #era = 0;
  #saving: ReturnType<typeof setTimeout> | undefined;

  constructor(org: string, storage: Storage) {
    this.#key = `commitcast:ledger:${org}`;
    this.#storage = storage;
    try {
      Object.assign(this.#saved, JSON.parse(storage.getItem(this.#key) ?? '{}'));
      this.#checks = new Checks(this.#saved.checks);
    } catch {
      // Of another version, or cut off: start anew.
    }
    this.view.changed();
  }

  /** Where the client keeps its cursor: after each batch, in the tick in which the batch was received here. */
  get store(): CursorStore {
    return {
      load: () => this.#saved.progress,
      save: (text) => {
        this.#saved.progress = text;
        this.#saveSoon();
      },
    };
  }

  get followed(): readonly Subscription[] | undefined {
    return this.#saved.followed;
  }

  receive(event: CommitcastEvent, replayed: boolean): void {
    const known = () => this.#saved.rows.some((row) => 'event' in row && row.event.id === event.id);
    if (this.#checks.take(event, replayed, known)) this.#push({ seq: this.#saved.seq++, event, replayed });
    this.#saveSoon();
  }

  /** A line among the rows: something that concerns all that follow. */
  mark(text: string): void {
    this.#push({ seq: this.#saved.seq++, mark: text });
    this.#saveSoon();
  }

  /** Another scope: which reading of a unit comes next is not known any more. */
  follow(scopes: readonly Subscription[]): void {
    this.#saved.followed = scopes;
    this.#checks.forgetNumbers();
    this.#saveSoon();
  }

  /** Before it is published: it may come back before the answer does. */
  expect(id: string): void {
    this.#saved.mine = [id, ...this.#saved.mine].slice(0, maxRows);
    this.#saveSoon();
  }

  /** All that was built from events is void. */
  clear(): void {
    const { progress, followed, seq, mine } = this.#saved;
    this.#saved = { progress, followed, seq, mine, rows: [] };
    this.#checks = new Checks();
    this.#era += 1;
    this.#saveSoon();
  }

  save(): void {
    clearTimeout(this.#saving);
    this.#saving = undefined;
    try {
      this.#storage.setItem(this.#key, JSON.stringify({ ...this.#saved, checks: this.#checks.save() }));
    } catch {
      // Full: the older state stays, with the older cursor that belongs to it.
    }
  }

  #push(row: Row): void {
    this.#saved.rows = [row, ...this.#saved.rows.slice(0, maxRows - 1)];
  }

  #saveSoon(): void {
    this.view.changed();
    this.#saving ??= setTimeout(() => this.save(), saveAfterMs);
  }

  #draw(): LedgerView {
    const { rows, followed, mine, progress } = this.#saved;
    const { counts, numbered, rolledBack, last } = this.#checks;
    return {
      rows,
      counts: { ...counts },
      numbered,
      rolledBack,
      last,
      era: this.#era,
      followed,
      mine: new Set(mine),
      cursor: cursorIn(progress),
    };
  }
}

function cursorIn(progress: string | undefined): string | undefined {
  if (progress === undefined) return undefined;
  try {
    return (JSON.parse(progress) as { cursor?: string }).cursor;
  } catch {
    return undefined;
  }
}

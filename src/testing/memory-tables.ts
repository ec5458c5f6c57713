import { MemoryLocks } from './memory-locks.ts';

/** What an append with a key has appended. */
export interface KeyedAppend {
  /** Of its events: the same key with others is refused. */
  readonly digest: string;
  readonly ids: readonly string[];
}

/** Tables beside the log: what was committed, by key, and who holds what. */
export interface MemoryTables {
  /** The version of each stream, by org and name. */
  readonly stream: Map<string, number>;
  /** By org, key and chunk. */
  readonly appendKey: Map<string, KeyedAppend>;
  /** Messages that were handled. */
  readonly inbox: Map<string, true>;
  readonly locks: MemoryLocks;
}

export function emptyTables(): MemoryTables {
  return { stream: new Map(), appendKey: new Map(), inbox: new Map(), locks: new MemoryLocks() };
}

/** The tables as one transaction sees them: what it wrote itself over what was committed. */
export class TablesOfTransaction {
  readonly stream: TableOfTransaction<number>;
  readonly appendKey: TableOfTransaction<KeyedAppend>;
  readonly inbox: TableOfTransaction<true>;
  readonly #locks: MemoryLocks;

  constructor({ stream, appendKey, inbox, locks }: MemoryTables) {
    const take = (name: string) => (key: string) => locks.take(this, `${name} ${key}`);
    this.stream = new TableOfTransaction(stream, take('stream'));
    this.appendKey = new TableOfTransaction(appendKey, take('append key'));
    this.inbox = new TableOfTransaction(inbox, take('inbox'));
    this.#locks = locks;
  }

  commit(): void {
    for (const table of [this.stream, this.appendKey, this.inbox]) table.commit();
    this.rollback();
  }

  /** What it wrote is nobody's, what it held is free. */
  rollback(): void {
    this.#locks.release(this);
  }
}

class TableOfTransaction<Row> {
  readonly #committed: Map<string, Row>;
  readonly #own = new Map<string, Row>();
  readonly #take: (key: string) => Promise<void>;

  constructor(committed: Map<string, Row>, take: (key: string) => Promise<void>) {
    this.#committed = committed;
    this.#take = take;
  }

  /** The row, which stays as it is for everybody else until this transaction ends; waits for who holds it. */
  async lock(...key: readonly unknown[]): Promise<Row | undefined> {
    await this.#take(JSON.stringify(key));
    return this.read(...key);
  }

  /** The row as it was committed, or as this transaction has written it. */
  read(...key: readonly unknown[]): Row | undefined {
    const text = JSON.stringify(key);
    return this.#own.get(text) ?? this.#committed.get(text);
  }

  /** Whether this transaction has written it. */
  isOwn(...key: readonly unknown[]): boolean {
    return this.#own.has(JSON.stringify(key));
  }

  /** Writes the row of a key that was locked. */
  write(row: Row, ...key: readonly unknown[]): void {
    this.#own.set(JSON.stringify(key), row);
  }

  commit(): void {
    for (const [key, row] of this.#own) this.#committed.set(key, row);
  }
}

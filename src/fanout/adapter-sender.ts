import { Backoff } from '../core/backoff.ts';
import { Flag } from '../core/flag.ts';
import type { Service } from '../core/service.ts';
import { inTime, sleep } from '../core/sleep.ts';
import { connect, type Connection, type ConnectionOptions } from '../db/connection.ts';

/** A connection that does not open, or a statement that is not answered, for so long is given up. */
const answerMs = 2_000;
/** Who has waited longer when something fails is not tried again: its sender waits for it. */
const patienceMs = 1_000;
/** For what was asked before the end. */
const farewellMs = 500;
/** More than this does not wait; the oldest give way, because hints of now are worth more than those of then. */
const maxWaiting = { statements: 10_000, bytes: 16 * 1024 * 1024 };

export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

interface Waiting {
  readonly statement: Statement | Promise<Statement>;
  readonly bytes: number;
  readonly since: number;
  readonly settle: (rows: unknown[] | Error) => void;
}

/**
 * Sends statements over one connection, one after the other, in the order of the calls. What fails is not repeated, for
 * it may have been done; but the next one gets a new connection. A dead server delays nobody by more than some seconds.
 *
 *   connecting --opened--> sending --failed, lost--> connecting, after a pause that grows
 *       |
 *       +-- not in time: who has waited too long gets the error
 */
export class AdapterSender implements Service {
  readonly #options: ConnectionOptions;
  readonly #stopped = new AbortController();
  readonly #asked = new Flag();
  #waiting: Waiting[] = [];
  #bytes = 0;
  #running: Promise<void> | undefined;
  #closing: Promise<unknown> = Promise.resolve();
  #ok = false;

  constructor(options: ConnectionOptions) {
    this.#options = { ...options, statementTimeoutMs: answerMs };
  }

  /** It has a connection, over which nothing has failed. */
  get ok(): boolean {
    return this.#ok;
  }

  /** Bytes that wait to be sent. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Returns when the first attempt to connect is over; whether it succeeded, `ok` says. */
  async start(): Promise<void> {
    const first = this.#open();
    this.#running = this.#run(first);
    await first;
  }

  /** Sends what was asked before, if that does not take long. */
  async stop(): Promise<void> {
    if (this.#ok && this.#waiting.length > 0 && !this.#stopped.signal.aborted) {
      const last = this.send({ text: 'select 1', values: [] }, 0).catch(() => undefined);
      await inTime(last, farewellMs).catch(() => undefined);
    }
    this.#stopped.abort();
    await this.#running;
    await this.#closing;
  }

  /** A statement that is only promised has its place in the order already; the promise must be kept soon. */
  send(statement: Statement | Promise<Statement>, bytes: number): Promise<unknown[]> {
    if (this.#stopped.signal.aborted) return Promise.reject(new Error('the adapter was closed'));
    return new Promise((resolve, reject) => {
      const settle = (rows: unknown[] | Error) => {
        if (rows instanceof Error) reject(rows);
        else resolve(rows);
      };
      this.#waiting.push({ statement, bytes, since: performance.now(), settle });
      this.#bytes += bytes;
      // A single large one may pass; it has nobody to give way to.
      while (
        this.#waiting.length > maxWaiting.statements ||
        (this.#bytes > maxWaiting.bytes && this.#waiting.length > 1)
      ) {
        this.#take()?.settle(new Error('too much waits to be sent'));
      }
      this.#asked.raise();
    });
  }

  async #run(first: Promise<Connection | undefined>): Promise<void> {
    const { signal } = this.#stopped;
    const backoff = new Backoff({ minMs: 20, maxMs: 1_000 });
    for (let opening = first; ; opening = this.#open()) {
      const connection = await opening;
      if (connection) {
        await this.#sendOver(connection, backoff);
        this.#closing = Promise.all([this.#closing, connection.close()]);
      }
      this.#ok = false;
      await this.#giveUp(signal.aborted ? 0 : patienceMs);
      await sleep(backoff.next(), signal);
      if (signal.aborted) break;
    }
    await this.#giveUp(0);
  }

  async #open(): Promise<Connection | undefined> {
    const opening = connect(this.#options);
    try {
      const connection = await inTime(opening, answerMs);
      this.#ok = true;
      return connection;
    } catch (error) {
      this.#complain(error);
      opening.then(
        (late) => late.close(),
        () => undefined,
      );
      return undefined;
    }
  }

  /** Returns when the connection is lost, a statement fails, or the service stops. */
  async #sendOver(connection: Connection, backoff: Backoff): Promise<void> {
    const ended = AbortSignal.any([connection.lost, this.#stopped.signal]);
    while (!ended.aborted) {
      const next = this.#take();
      if (!next) {
        this.#asked.take();
        await this.#asked.wait(60_000, ended);
        continue;
      }
      try {
        next.settle(await inTime(perform(connection, next), answerMs));
        backoff.reset();
      } catch (error) {
        this.#complain(error);
        this.#ok = false;
        next.settle(asError(error));
        return;
      }
    }
    backoff.reset();
  }

  async #giveUp(afterMs: number): Promise<void> {
    const before = performance.now() - afterMs;
    while (this.#waiting[0] && this.#waiting[0].since <= before) {
      this.#take()?.settle(new Error('it could not be sent in time'));
      // One in each turn of the event loop: who waits for several promises in a row still comes in order.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #take(): Waiting | undefined {
    const next = this.#waiting.shift();
    this.#bytes -= next?.bytes ?? 0;
    return next;
  }

  #complain(error: unknown): void {
    const message = 'the Socket.IO adapter could not use its database; it connects again';
    this.#options.logger[this.#ok ? 'warn' : 'debug']({ err: error }, message);
  }
}

async function perform({ client }: Connection, { statement }: Waiting): Promise<unknown[]> {
  const { text, values } = await statement;
  const { rows } = await client.query(text, [...values]);
  return rows;
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

import { Client } from 'pg';
import { sleep } from '../../src/core/sleep.ts';
import type { Span } from '../support/history-checker.ts';
import type { Random } from '../support/random.ts';
import { ChaosClient } from './client.ts';
import type { ChaosInstance } from './instance.ts';
import type { Ledger } from './ledger.ts';
import { insertEvents } from './load.ts';

export const pulseOrg = 'pulse';
export const pulseName = 'chaos-pulse';
export const pulseIntervalMs = 20;
/** So many may be on their way to Postgres at once: a pulse does not wait for the one before. */
const senders = 4;
const firstWriter = 2_000;
const retryMs = 20;

/** One event, from before its transaction to the clients. Times of `performance.now()`. */
export interface Pulse {
  began: number;
  /** `undefined`: the answer never came. */
  committed: number | undefined;
  /** By instance. */
  arrived: (number | undefined)[];
}

/**
 * A small event about every 20 ms, in an org of its own, and one client of that org at each instance: how long the way
 * from a commit to a browser takes at any moment, and how long nothing went that way.
 */
export class Pulses {
  readonly pulses: Pulse[] = [];
  readonly clients: ChaosClient[];
  /** Pulses that could not begin, because all senders were waiting for Postgres. */
  skipped = 0;
  readonly #byId = new Map<string, Pulse>();
  readonly #instances: readonly ChaosInstance[];
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>[] = [];

  constructor(instances: readonly ChaosInstance[], ledger: Ledger) {
    this.#instances = instances;
    this.clients = instances.map(
      ({ name, index }) =>
        new ChaosClient({
          name: `pulse-${name}`,
          org: pulseOrg,
          subscriptions: [],
          transport: 'websocket',
          ledger,
          onEvent: ({ id }) => {
            const pulse = this.#byId.get(id);
            if (pulse) pulse.arrived[index] ??= performance.now();
          },
        }),
    );
  }

  async start(url: string, random: Random, spans: Map<string, Span>): Promise<void> {
    for (const [index, instance] of this.#instances.entries())
      await this.clients[index]?.connect(instance.url);
    const free: number[] = [];
    const sequences = new Map<number, number>();
    let wanted: (() => void) | undefined;
    const { signal } = this.#stopped;

    const send = async (sender: number) => {
      let client: Client | undefined;
      while (!signal.aborted) {
        try {
          client ??= await connect(url);
          free.push(sender);
          await new Promise<void>((resolve) => {
            waiting.set(sender, resolve);
          });
          if (signal.aborted) break;
          await this.#send(client, firstWriter + sender, random, sequences, spans);
        } catch {
          await client?.end().catch(() => undefined);
          client = undefined;
          await sleep(retryMs, signal);
        }
      }
      await client?.end().catch(() => undefined);
    };
    const waiting = new Map<number, () => void>();
    const tick = async () => {
      for (let due = performance.now(); !signal.aborted; due += pulseIntervalMs) {
        await sleep(due - performance.now(), signal);
        // After a stall of this process: one pulse, not all that were missed.
        due = Math.max(due, performance.now() - pulseIntervalMs);
        const sender = free.shift();
        wanted = sender === undefined ? undefined : waiting.get(sender);
        if (wanted) wanted();
        else this.skipped++;
      }
      for (const wake of waiting.values()) wake();
    };
    for (let sender = 0; sender < senders; sender++) this.#running.push(send(sender));
    this.#running.push(tick());
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#running);
  }

  /**
   * Milliseconds from `since` until the first event that was committed after it reached the client of that instance;
   * `undefined`: none has so far.
   */
  recovery(since: number, instance: number): number | undefined {
    let first = Infinity;
    // From the end: faults are recent, and what began before is not looked at.
    for (let n = this.pulses.length - 1; n >= 0; n--) {
      const pulse = this.pulses[n];
      if (!pulse || pulse.began < since) break;
      first = Math.min(first, pulse.arrived[instance] ?? Infinity);
    }
    return first === Infinity ? undefined : first - since;
  }

  async #send(
    client: Client,
    writer: number,
    random: Random,
    sequences: Map<number, number>,
    spans: Map<string, Span>,
  ): Promise<void> {
    const sequence = (sequences.get(writer) ?? 0) + 1;
    sequences.set(writer, sequence);
    const pulse: Pulse = { began: performance.now(), committed: undefined, arrived: [] };
    const [id, transaction] = [random.uuid(), random.uuid()];
    this.pulses.push(pulse);
    this.#byId.set(id, pulse);
    spans.set(transaction, { began: pulse.began, committed: Infinity });
    await insertEvents(client, [
      { id, transaction, writer, sequence, turn: 0, org: pulseOrg, type: 'pulse' },
    ]);
    pulse.committed = performance.now();
    spans.set(transaction, { began: pulse.began, committed: pulse.committed });
  }
}

async function connect(url: string): Promise<Client> {
  const client = new Client({
    connectionString: url,
    application_name: pulseName,
    connectionTimeoutMillis: 5_000,
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

import { randomUUID } from 'node:crypto';
import type { Service } from '../core/service.ts';
import { sleep } from '../core/sleep.ts';
import { beginningOf } from './beginning.ts';
import { extendLeases, forgetWorker, keepLeases, releaseLease, type HeldPartition } from './lease.ts';
import type { ConsumerParts } from './parts.ts';
import { PartitionWorker } from './partition-worker.ts';
import { rebuild } from './rebuild.ts';
import { register } from './register.ts';

/** Between two signs of life. */
const intervalMs = 1_000;

/** A partition that this process works on. */
export interface PartitionStatus {
  partition: number;
  /** Everything up to here is handled, or parked. */
  position: number;
  /** It stands still because of this. */
  failed: boolean;
  error: string | undefined;
}

/**
 * Follows the log for one handler. Any number of processes may run the same consumer: each partition has one worker at
 * a time, who shows that it lives once a second; when it does not, another one takes over within some seconds.
 */
export class Consumer<Tx> implements Service {
  readonly name: string;
  readonly #parts: ConsumerParts<Tx>;
  readonly #id = randomUUID();
  readonly #workers = new Map<number, PartitionWorker<Tx>>();
  /** Partitions whose transaction in flight is waited for. */
  readonly #releasing = new Set<number>();
  readonly #ending = new Set<Promise<void>>();
  #rebuilding = false;
  readonly #stopped = new AbortController();
  #running: Promise<void> | undefined;

  constructor(parts: ConsumerParts<Tx>) {
    this.#parts = parts;
    this.name = parts.options.name;
  }

  /** The partitions that this process works on at this moment. */
  get status(): PartitionStatus[] {
    return [...this.#workers.values()].map(({ state: { partition, position, failed, error } }) => ({
      partition,
      position,
      failed,
      error,
    }));
  }

  /** Returns when the consumer is known to the database. */
  async start(): Promise<void> {
    const first = this.#register();
    this.#running = first.then(
      () => this.#run(),
      () => undefined,
    );
    await first;
  }

  /** Returns when the transactions in flight have ended. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #register(): Promise<void> {
    const { options, control, head } = this.#parts;
    const { name, from, partitions, scope, types, reset } = options;
    const after = await beginningOf(control, from, head);
    await register(control, { name, partitions, scope, types, rebuildable: reset !== undefined, after });
  }

  async #run(): Promise<void> {
    const { prepared, logger } = this.#parts;
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        await this.#keep(await keepLeases(prepared, this.name, this.#id));
      } catch (error) {
        if (!signal.aborted)
          logger.warn(
            { err: error, consumer: this.name },
            'a consumer could not keep its leases; it tries again',
          );
      }
      await sleep(intervalMs, signal);
    }
    for (const partition of this.#workers.keys()) this.#release(partition);
    await this.#leave();
  }

  async #keep(held: readonly HeldPartition[]): Promise<void> {
    if (held.some((partition) => partition.rebuild && !partition.paused)) this.#rebuild();
    const mine = new Set(held.map(({ partition }) => partition));
    for (const [partition, worker] of this.#workers) {
      if (mine.has(partition)) continue;
      // Somebody else has it: this process was too slow to say that it lives.
      this.#workers.delete(partition);
      this.#end(worker.stop());
    }
    const kept = held.filter(({ partition }) => !this.#releasing.has(partition));
    for (const partition of kept) {
      const worker = this.#workers.get(partition.partition);
      if (worker) worker.update(partition);
      else this.#workers.set(partition.partition, new PartitionWorker({ ...this.#parts, held: partition }));
    }
    // Others have come: what is too many goes to them.
    for (const { partition } of kept.slice(held[0]?.share ?? held.length)) this.#release(partition);
  }

  /** Beside the heartbeat: taking back may take long. What workers have in hand meanwhile is void. */
  #rebuild(): void {
    if (this.#rebuilding) return;
    const { options, db, logger } = this.#parts;
    this.#rebuilding = true;
    const work = async () => {
      try {
        if (await rebuild(db, options))
          logger.info({ consumer: this.name }, 'a consumer begins anew: what it had written was taken back');
      } catch (error) {
        logger.warn({ err: error, consumer: this.name }, 'a consumer could not begin anew; it tries again');
      }
      this.#rebuilding = false;
    };
    this.#end(work());
  }

  /** Lets a partition go when its transaction has ended; until then it is still ours. */
  #release(partition: number): void {
    const { control, logger } = this.#parts;
    const worker = this.#workers.get(partition);
    this.#workers.delete(partition);
    this.#releasing.add(partition);
    const release = async () => {
      await worker?.stop();
      await releaseLease(control, this.name, this.#id, partition).catch((error: unknown) => {
        logger.debug({ err: error, consumer: this.name, partition }, 'a lease will run out by itself');
      });
      this.#releasing.delete(partition);
    };
    this.#end(release());
  }

  #end(work: Promise<void>): void {
    const ending = work.finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  async #leave(): Promise<void> {
    const { control } = this.#parts;
    const ended = new AbortController();
    const all = Promise.all(this.#ending).then(() => {
      ended.abort();
    });
    while (!ended.signal.aborted) {
      await extendLeases(control, this.name, this.#id).catch(() => undefined);
      await sleep(intervalMs, ended.signal);
    }
    await all;
    await forgetWorker(control, this.name, this.#id).catch(() => undefined);
  }
}

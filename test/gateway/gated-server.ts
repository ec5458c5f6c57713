import Fastify from 'fastify';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';
import { onTestFinished } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import type { Executor } from '../../src/db/executor.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import { Rights } from '../../src/gateway/rights.ts';
import { createIdentityChecks, type IdentityOptions } from '../../src/gateway/setup-socket-auth.ts';
import { answerErrors } from '../../src/http/errors.ts';
import { historyRoutes } from '../../src/http/history.ts';
import type { Instance } from '../../src/http/instance.ts';
import { readHead } from '../../src/log/head.ts';
import type { TestClient } from '../support/client.ts';
import type { TestDatabase } from '../support/database.ts';
import { secret } from '../support/tokens.ts';
import { until } from '../support/until.ts';

/** Lets answers of the database through when a test says so: they have been read, and are not here yet. */
export class GatedExecutor implements Executor {
  /** Texts of the queries so far. */
  readonly asked: string[] = [];
  readonly #db: Executor;
  readonly #held: (() => void)[] = [];
  #allowed = Infinity;

  constructor(db: Executor) {
    this.#db = db;
  }

  /** Answers that wait now. */
  get waiting(): number {
    return this.#held.length;
  }

  async query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }> {
    this.asked.push(text);
    const answer = await this.#db.query(text, values);
    if (this.#allowed-- <= 0) await new Promise<void>((resolve) => this.#held.push(resolve));
    return answer;
  }

  /** From now on answers wait, after so many more. */
  hold(after = 0): void {
    this.#allowed = after;
  }

  release(): void {
    this.#allowed = Infinity;
    for (const resolve of this.#held.splice(0)) resolve();
  }
}

export interface GatedServer {
  readonly url: string;
  readonly gateway: Gateway;
  readonly rights: Rights;
  /** The server's side of a client. */
  socketOf(client: TestClient): Socket;
  /** What replays and history read. */
  readonly replays: GatedExecutor;
  /** What the dispatcher reads. */
  readonly dispatches: GatedExecutor;
  /** The dispatcher goes as far as the log. Nobody else tells it to. */
  reach(): Promise<void>;
}

/** A gateway with history over HTTP, without relay and fan-out, whose queries a test can hold. */
export async function startGatedServer(
  database: TestDatabase,
  { tailBytes = 0, ...identity }: IdentityOptions & { tailBytes?: number } = {},
): Promise<GatedServer> {
  const [replays, dispatches] = [new GatedExecutor(database.pool), new GatedExecutor(database.pool)];
  const app = Fastify();
  const io = new Server(app.server, { serveClient: false });
  const jwt = identity.verifyAccessToken ? {} : { jwt: { secret } };
  const rights = new Rights(createIdentityChecks({ ...jwt, ...identity }));
  const gateway = new Gateway({
    io,
    db: replays,
    dispatchDb: dispatches,
    rights,
    tailBytes,
    checkpointIntervalMs: 30_000,
    logger: silentLogger,
  });
  answerErrors(app);
  historyRoutes(app, { db: replays, rights, gateway } as unknown as Instance);
  await gateway.start();
  await app.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(async () => {
    replays.release();
    dispatches.release();
    await gateway.stop();
    await io.close();
    await app.close();
  });
  return {
    url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
    gateway,
    rights,
    socketOf({ socket }) {
      const found = io.of('/').sockets.get(socket.id ?? '');
      if (!found) throw new Error('the server does not know the client');
      return found;
    },
    replays,
    dispatches,
    async reach() {
      const { last } = await readHead(database.pool);
      await until(
        () => {
          void gateway.dispatcher.look();
          return gateway.dispatcher.position >= last;
        },
        { message: `the dispatcher to reach ${last}` },
      );
    },
  };
}

import type { Client } from 'pg';
import { Flag } from '../../src/core/flag.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { locks } from '../../src/db/advisory-lock.ts';
import type { Executor } from '../../src/db/executor.ts';
import { HeldLock } from '../../src/db/held-lock.ts';
import { Listener } from '../../src/db/listen.ts';
import { pump } from '../../src/relay/pump.ts';
import { notifyChannel } from '../../src/relay/relay.ts';
import { SettledReader } from '../../src/log/settled-reader.ts';
import type { TestDatabase } from './database.ts';

/** What a pump is about to do, or has done. */
export type Step = 'release' | 'released' | 'look' | 'looked' | 'read' | 'was read';

export interface RunningPump {
  readonly head: number;
  readonly asleep: boolean;
  readonly awakeHeld: boolean;
  stop(): Promise<void>;
}

/** A flag whose fallback timer never ends: who is asleep is woken by a notification, or never. */
class PatientFlag extends Flag {
  asleep = false;

  override async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (ms < 1_000) return super.wait(ms, signal);
    this.asleep = true;
    await super.wait(2 ** 30, signal);
    this.asleep = false;
  }
}

/** A pump with real locks, reads and LISTEN, but without its fallback timer; `onStep` may hold it anywhere. */
export async function startPump(
  database: TestDatabase,
  onStep: (step: Step) => Promise<void> = () => Promise.resolve(),
  look: () => Promise<number | undefined> = () => Promise.resolve(undefined),
): Promise<RunningPump> {
  const client = await database.connect();
  const options = {
    connectionString: database.url,
    applicationName: 'commitcast-test',
    logger: silentLogger,
  };
  const lock = new HeldLock(locks.awake, options);
  const notified = new PatientFlag();
  const onNotify = () => {
    notified.raise();
  };
  const listener = new Listener({ ...options, channel: notifyChannel, onNotify });
  await listener.start();
  const stopped = new AbortController();
  const reader = new SettledReader(0);
  const running = pump({
    db: steppingExecutor(client, onStep),
    reader,
    awake: {
      get held() {
        return lock.held;
      },
      request: () => {
        lock.request();
      },
      async release() {
        await onStep('release');
        await lock.release();
        await onStep('released');
      },
    },
    notified,
    isListening: () => listener.listening,
    look,
    onSettled: () => undefined,
    signal: stopped.signal,
  });
  return {
    get head() {
      return reader.head;
    },
    get asleep() {
      return notified.asleep;
    },
    get awakeHeld() {
      return lock.held;
    },
    async stop() {
      stopped.abort();
      await running;
      await Promise.all([lock.close(), listener.stop()]);
    },
  };
}

function steppingExecutor(client: Client, onStep: (step: Step) => Promise<void>): Executor {
  return {
    async query(text, values) {
      const look = text.includes('pg_locks');
      await onStep(look ? 'look' : 'read');
      const result = await client.query<Record<string, unknown>>(text, values);
      await onStep(look ? 'looked' : 'was read');
      return result;
    },
  };
}

import { randomInt } from 'node:crypto';
import type { Namespace, Server } from 'socket.io';
import type { Doorbell } from '../fanout/doorbell.ts';
import { doorbellEvent } from '../fanout/socket-io.ts';
import { forgeDoorbell } from './forged-doorbells.ts';
import { seededFractions } from './seeded.ts';

/**
 * Shares, from 0 to 1, of the messages that instances send each other. A message meets one of the first three at most,
 * so their sum is 1 at most.
 */
export interface AdapterFaults {
  /** Is not sent. */
  drop?: number;
  /** Is sent twice: the second time at once, or when the next one has gone out. */
  repeat?: number;
  /** Is held back until the next one has gone out, or for 100 ms. */
  reorder?: number;
  /** Is followed by a forged doorbell: of another epoch, far ahead, far behind, or garbage. */
  forge?: number;
}

export interface AdapterDisturbance {
  /** Repeats the same decisions for the same messages. */
  readonly seed: number;
  /** How many messages met each fault so far; `passed`: none of the first three. */
  readonly counts: Readonly<Record<'dropped' | 'repeated' | 'reordered' | 'forged' | 'passed', number>>;
  /** From now on these, instead of those before; what is absent is 0. */
  set(faults: AdapterFaults): void;
  /** Sends what was held back and takes its hands off. Idempotent. */
  stop(): void;
}

/** What the cluster adapters of Socket.IO send each other. */
interface Message {
  uid: string;
  nsp: string;
  type: number;
  data?: { packet?: unknown[] };
}

/** The outgoing side that every cluster adapter has: Postgres, sharded Redis, Redis streams, cluster. */
interface ClusterAdapter {
  doPublish(message: Message): Promise<string>;
}

/** Numbers of the adapters' protocol. */
const serverSideEmit = 9;
/** Sender's name of those who are no instance: all take their messages, none counts them as one of the cluster. */
const stranger = 'emitter';

const maxHoldMs = 100;

/**
 * Disturbs what this instance sends to the others, whatever cluster adapter its Socket.IO server has. Call it when the
 * adapter is attached, that is when the server is ready. In both directions: on both servers.
 *
 * @throws {TypeError} when the adapter sends nothing to others, as the one in memory
 * @throws {RangeError} for shares that are none
 *
 * @example
 * const disturbance = disturbAdapter(app.commitcast.io, { drop: 0.3, repeat: 0.1, reorder: 0.2, forge: 0.2 });
 * // … append, and see that every client gets everything, once, in order
 * disturbance.stop();
 */
export function disturbAdapter(
  io: Server,
  { seed = randomInt(2 ** 32), ...faults }: AdapterFaults & { seed?: number } = {},
): AdapterDisturbance {
  const fraction = seededFractions(seed);
  const counts = { dropped: 0, repeated: 0, reordered: 0, forged: 0, passed: 0 };
  let shares = checked(faults);
  let real: Doorbell = { epoch: 'aaaaaaaa', from: 0, to: 1 };
  const disturbed = new Set<{ release(): void; restore(): void }>();

  const disturb = (namespace: Namespace) => {
    const adapter = namespace.adapter as unknown as ClusterAdapter;
    const original = adapter.doPublish.bind(adapter);
    const held: Message[] = [];
    let timer: NodeJS.Timeout | undefined;

    const send = (message: Message) => void original(message).catch(() => undefined);
    const release = () => {
      clearTimeout(timer);
      timer = undefined;
      for (const message of held.splice(0)) send(message);
    };
    const hold = (message: Message) => {
      held.push(message);
      timer ??= setTimeout(release, maxHoldMs).unref();
    };
    const pass = (message: Message): Promise<string> => {
      const sent = original(message);
      release();
      return sent;
    };
    const publish = (message: Message): Promise<string> => {
      const draw = fraction();
      const { drop, repeat, reorder } = shares;
      if (draw < drop) {
        counts.dropped++;
        return Promise.resolve('');
      }
      if (draw < drop + repeat) {
        counts.repeated++;
        const sent = pass(message);
        if (fraction() < 0.5) send(message);
        else hold(message);
        return sent;
      }
      if (draw < drop + repeat + reorder) {
        counts.reordered++;
        hold(message);
        return Promise.resolve('');
      }
      counts.passed++;
      return pass(message);
    };
    const disturbedPublish = (message: Message) => {
      const [name, doorbell] = message.type === serverSideEmit ? (message.data?.packet ?? []) : [];
      if (name === doorbellEvent) real = doorbell as Doorbell;
      const sent = publish(message);
      if (fraction() < shares.forge) {
        counts.forged++;
        const packet = [doorbellEvent, ...forgeDoorbell(real, fraction)];
        send({ uid: stranger, nsp: message.nsp, type: serverSideEmit, data: { packet } });
      }
      return sent;
    };
    adapter.doPublish = disturbedPublish;
    const restore = () => {
      release();
      // The method of its class shows again. If another has wrapped it since, this wrapping stays, and does nothing.
      if (adapter.doPublish === disturbedPublish) delete (adapter as Partial<ClusterAdapter>).doPublish;
    };
    disturbed.add({ release, restore });
  };

  if (!('doPublish' in io.of('/').adapter))
    throw new TypeError('the adapter of this Socket.IO server sends nothing to other instances');
  for (const namespace of io._nsps.values()) disturb(namespace);
  io.on('new_namespace', disturb);
  return {
    seed,
    counts,
    set(faults) {
      shares = checked(faults);
      for (const each of disturbed) each.release();
    },
    stop() {
      shares = checked({});
      io.off('new_namespace', disturb);
      for (const each of disturbed) each.restore();
      disturbed.clear();
    },
  };
}

function checked({ drop = 0, repeat = 0, reorder = 0, forge = 0 }: AdapterFaults): Required<AdapterFaults> {
  const sum = drop + repeat + reorder;
  if ([drop, repeat, reorder, forge, sum].some((share) => !(share >= 0 && share <= 1)))
    throw new RangeError('shares are from 0 to 1, and so is the sum of drop, repeat and reorder');
  return { drop, repeat, reorder, forge };
}

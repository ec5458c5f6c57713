import type { Server } from 'socket.io';
import type { Doorbell, Fanout } from './doorbell.ts';

/** Name of the server-side emit that carries doorbells. */
export const doorbellEvent = 'commitcast:doorbell';

/** Doorbells that follow each other faster are merged: over Postgres, each is a commit. */
const minIntervalMs = 5;

/** Takes doorbells through whatever adapter the Socket.IO server has. */
export function createSocketFanout(io: Server): Fanout {
  let lastRung = -Infinity;
  let waiting: Doorbell | undefined;

  const send = (doorbell: Doorbell) => {
    lastRung = performance.now();
    io.serverSideEmit(doorbellEvent, doorbell);
  };
  const sendWaiting = () => {
    if (waiting) send(waiting);
    waiting = undefined;
  };

  return {
    ring: (doorbell) => {
      if (waiting) {
        waiting = waiting.epoch === doorbell.epoch ? { ...doorbell, from: waiting.from } : doorbell;
        return;
      }
      const early = lastRung + minIntervalMs - performance.now();
      if (early <= 0) {
        send(doorbell);
        return;
      }
      waiting = doorbell;
      setTimeout(sendWaiting, early).unref();
    },
    onRing: (listener) => {
      const receive = (value: unknown) => {
        if (isDoorbell(value)) listener(value);
      };
      io.on(doorbellEvent, receive);
      return () => {
        io.off(doorbellEvent, receive);
        waiting = undefined;
      };
    },
  };
}

/** Any database role may NOTIFY, so anything may come in. */
function isDoorbell(value: unknown): value is Doorbell {
  if (typeof value !== 'object' || value === null) return false;
  const { epoch, from, to } = value as Record<string, unknown>;
  return typeof epoch === 'string' && Number.isSafeInteger(from) && Number.isSafeInteger(to);
}

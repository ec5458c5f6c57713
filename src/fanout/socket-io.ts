import type { Server } from 'socket.io';
import type { Doorbell, Fanout } from './doorbell.ts';

const eventName = 'commitcast:doorbell';

/** Takes doorbells through whatever adapter the Socket.IO server has. */
export function createSocketFanout(io: Server): Fanout {
  return {
    ring: (doorbell) => {
      io.serverSideEmit(eventName, doorbell);
    },
    onRing: (listener) => {
      const receive = (value: unknown) => {
        if (isDoorbell(value)) listener(value);
      };
      io.on(eventName, receive);
      return () => io.off(eventName, receive);
    },
  };
}

/** Any database role may NOTIFY, so anything may come in. */
function isDoorbell(value: unknown): value is Doorbell {
  if (typeof value !== 'object' || value === null) return false;
  const { epoch, from, to } = value as Record<string, unknown>;
  return typeof epoch === 'string' && Number.isSafeInteger(from) && Number.isSafeInteger(to);
}

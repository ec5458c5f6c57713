import type { Server, Socket } from 'socket.io';
import { eachEngine } from './each-engine.ts';

type Connection = Socket['conn'];

/** Of a connection that has no session (yet): each attempt to open one costs the check of a token. */
const maxUnknownPerSecond = 500;

/**
 * Counts what each connection sends, from its first packet on, heartbeats too; `exceeded` is called once for one that
 * sends more than `perSecond` in a second of the clock. What is counted is forgotten with the second: an idle connection
 * costs nothing but a place for the listener, which all of them share.
 */
export function limitPackets(
  io: Server,
  perSecond: number,
  isOpen: (connection: Connection) => boolean,
  exceeded: (connection: Connection) => void,
): void {
  if (perSecond === Infinity) return;
  let second = 0;
  let counts = new WeakMap<Connection, number>();
  const count = function (this: Connection) {
    const now = Math.floor(performance.now() / 1_000);
    if (now !== second) {
      second = now;
      counts = new WeakMap();
    }
    const seen = (counts.get(this) ?? 0) + 1;
    counts.set(this, seen);
    if (seen > perSecond || (seen > maxUnknownPerSecond && !isOpen(this))) {
      // Once: what else is under way of it is not counted any more.
      counts.set(this, -Infinity);
      exceeded(this);
    }
  };
  eachEngine(io, (engine) => {
    engine.on('connection', (connection: Connection) => {
      connection.on('packet', count);
    });
  });
}

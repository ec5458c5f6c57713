import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server, Socket } from 'socket.io';
import { eachEngine, type Engine } from './each-engine.ts';
import { letGoOfResponse, noteResponse } from './handshake-request.ts';

type Connection = Socket['conn'];
/** As Engine.IO hands it to its middleware, with the query string read. */
type EngineRequest = IncomingMessage & { _query: Readonly<Record<string, string>>; websocket?: unknown };

/** Seconds since 1970, as the .NET client numbers its polls: several of one second are alike without being repeated. */
const second = /^\d{10}$/;

/**
 * Ends the session of a client whose poll comes a second time, on each engine that the server has or gets.
 *
 * When a connection is cut, a browser repeats a GET by itself, and the page never knows. Engine.IO would answer the
 * repeated poll with the packets that come next: those of the answer that was lost would be missing, without an error.
 * Stock clients give each poll another `t`, so one with the `t` of the poll before is a repetition. It is refused, and
 * the client connects again, with its cursor. A client that sends no `t`, or seconds, is not guarded: such a client
 * must not be run over anything that repeats requests.
 */
export function refuseRepeatedPolls(io: Server): void {
  eachEngine(io, guard);
}

interface Polling {
  connection: Connection;
  /** `t` of the poll before. */
  last: string | undefined;
  /** To which it may be about to be upgraded. */
  upgrade?: EngineRequest;
}

function guard(engine: Engine): void {
  const polled = new Map<string, Polling>();
  const forget = function (this: Connection, to?: string | { socket?: unknown }): void {
    const upgrade = polled.get(idOf(this))?.upgrade;
    const isMade = typeof to === 'object' && to.socket !== undefined && to.socket === upgrade?.websocket;
    if (isMade && upgrade) letGoOfResponse(upgrade);
    polled.delete(idOf(this));
    // Those that stay do not pay for it any more.
    this.off('close', forget);
    this.off('upgrade', forget);
  };
  engine.on('connection', (connection: Connection) => {
    // Who begins with WebSocket never polls.
    if (connection.transport.name !== 'polling') return;
    polled.set(idOf(connection), { connection, last: undefined });
    connection.on('close', forget);
    connection.on('upgrade', forget);
  });
  engine.use((request: EngineRequest, response: ServerResponse, next: () => void) => {
    const { transport, sid = '', t } = request._query;
    if (transport !== 'polling') {
      noteResponse(request, response);
      // Of the upgrades that a session asks for, which may be any number, the last one is remembered.
      const polling = polled.get(sid);
      if (polling) polling.upgrade = request;
    }
    const isPoll = request.method === 'GET' && transport === 'polling' && t !== undefined && !second.test(t);
    const session = isPoll ? polled.get(sid) : undefined;
    if (session && session.last === t) {
      response.writeHead(400);
      response.end('This poll was asked before');
      // Discarded: an orderly end would wait half a minute for one more poll.
      session.connection.close(true);
      return;
    }
    if (session) session.last = t;
    next();
  });
}

/** Private to Engine.IO's types, but what `sid` says on the wire. */
function idOf(connection: Connection): string {
  return (connection as unknown as { id: string }).id;
}

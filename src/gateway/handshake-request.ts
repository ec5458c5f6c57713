import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';

/** Of Engine.IO, beside its types. */
interface Connection {
  request: IncomingMessage | RequestFacts | null;
}

/** What is read of a request when it has been answered: by Socket.IO for further namespaces, and by applications. */
type RequestFacts = Pick<IncomingMessage, 'headers' | 'url' | 'method' | 'socket' | 'connection'> & {
  _query: unknown;
};

/** What a request has by itself, with what Node and Engine.IO put on it. */
const usual = new Set(
  keysOf(new IncomingMessage(new Socket())).concat(
    ['parser', '_eventsCount'],
    ['_query', 'res', 'websocket', 'cleanup'],
  ),
);

interface UpgradeResponse {
  req?: unknown;
}

/** To the response of each upgrade, which Engine.IO makes up for its middleware, and which lives as long as the connection. */
const responses = new WeakMap<object, UpgradeResponse>();

/** Called by a middleware of Engine.IO. */
export function noteResponse(request: object, response: UpgradeResponse): void {
  responses.set(request, response);
}

/** The response of an upgrade that has been made. */
export function letGoOfResponse(request: object): void {
  const response = responses.get(request);
  if (response) response.req = undefined;
  responses.delete(request);
}

/**
 * Socket.IO keeps the request of the handshake, a stream with all that belongs to it, for as long as the connection
 * lives: more than a session itself. Soon, when those who listen for the connection have seen it, what can be read of it
 * takes its place. Where somebody has put something on it, such as a middleware for sessions, it stays.
 */
export function letGoOfRequest(connection: unknown): void {
  setImmediate(replaceRequest, connection as Connection);
}

function replaceRequest(connection: Connection): void {
  const { request } = connection;
  if (!(request instanceof IncomingMessage) || !keysOf(request).every((key) => usual.has(key))) return;
  letGoOfResponse(request);
  const { headers, url, method, socket, _query } = request as IncomingMessage & { _query: unknown };
  connection.request = {
    headers,
    url: url ?? '',
    method: method ?? 'GET',
    socket,
    connection: socket,
    _query,
  };
}

/** Also those that are symbols, or do not show. */
function keysOf(request: IncomingMessage): string[] {
  return Reflect.ownKeys(request).map(String);
}

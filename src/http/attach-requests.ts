import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** The address inside of what a request asks for; `undefined`: the request is the application's. */
export type AddressInside = (url: string) => string | undefined;

type Emit = (this: void, event: string | symbol, ...parameters: unknown[]) => boolean;
/** Only ever called for the server that it is of, by `Reflect.apply`. */
interface Emitter {
  emit: Emit;
}

const refusal = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

/** The events in which a server says of a request that it is there, each with the request in front. */
const arrivals: ReadonlySet<unknown> = new Set(['request', 'checkContinue', 'checkExpectation', 'upgrade']);

/**
 * Hands the requests and upgrades for some addresses of a server to another one, which never listens; all others go to the
 * listeners of the server, whenever those were added. An emitter calls every listener, and two that take one upgrade
 * break its connection, or end the process: so it is decided before any of them is called, where the server emits.
 *
 * @returns what undoes it
 */
export function handOver(server: Server, inner: Server, addressInside: AddressInside): () => void {
  let isOpen = true;
  const own = Object.getOwnPropertyDescriptor(server, 'emit');
  // The class's, or that of who came before us, such as another one of us or a tracer.
  const { emit: before } = server as Emitter;
  const { emit: deliver } = inner as Emitter;
  const emit: Emit = (event, ...parameters) => {
    if (isOpen && arrivals.has(event)) {
      const [request] = parameters as [IncomingMessage];
      const { url = '' } = request;
      const address = addressInside(url);
      if (address !== undefined) {
        request.url = address;
        const isTaken = take(deliver, inner, event, parameters);
        // It has been read; whoever looks later sees what was asked for.
        request.url = url;
        return isTaken;
      }
    }
    return Reflect.apply(before, server, [event, ...parameters]);
  };
  Object.defineProperty(server, 'emit', { value: emit, configurable: true, writable: true });
  // Without a listener Node would take an upgrade for any other request.
  server.on('upgrade', refuseUntaken);

  return () => {
    isOpen = false;
    server.off('upgrade', refuseUntaken);
    // Who came after us calls ours: it stays, and passes everything on.
    if (server.emit !== emit) return;
    if (own) Object.defineProperty(server, 'emit', own);
    else Reflect.deleteProperty(server, 'emit');
  };
}

/** An application may listen for what a request expects: then Node leaves it to the listeners. Ours is as without them. */
function take(deliver: Emit, inner: Server, event: string | symbol, parameters: unknown[]): boolean {
  const [, response] = parameters as [IncomingMessage, ServerResponse];
  if (event === 'checkExpectation') {
    response.writeHead(417).end();
    return true;
  }
  if (event !== 'checkContinue') return Reflect.apply(deliver, inner, [event, ...parameters]);
  response.writeContinue();
  return Reflect.apply(deliver, inner, ['request', ...parameters]);
}

/** Node leaves the connection to the listeners, and there is none but this one: each of us has added it. */
function refuseUntaken(this: Server, _request: IncomingMessage, socket: Duplex): void {
  if (this.listeners('upgrade').every((listener) => listener === refuseUntaken))
    socket.on('error', () => {}).end(refusal);
}

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** The address inside of what a request asks for; `undefined`: the request is the application's. */
export type AddressInside = (url: string) => string | undefined;

type RequestListener = (request: IncomingMessage, response: ServerResponse) => void;

const refusal = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

/**
 * Hands the requests and upgrades for some addresses of a server to another one, which never listens; all others stay with
 * the listeners that the server has. Those take turns with us as they do with Socket.IO itself: an emitter calls every
 * listener, so ours takes their place and calls them. A listener that is added later sees our requests, too.
 *
 * @returns what undoes it
 */
export function handOver(server: Server, inner: Server, addressInside: AddressInside): () => void {
  let isOpen = true;
  const takes = (request: IncomingMessage, deliver: () => void): boolean => {
    const { url = '' } = request;
    const address = isOpen ? addressInside(url) : undefined;
    if (address === undefined) return false;
    request.url = address;
    deliver();
    // It has been read; whoever else listens for upgrades shall not take ours for one of his.
    request.url = url;
    return true;
  };

  const theirs = server.rawListeners('request') as RequestListener[];
  const onRequest: RequestListener = (request, response) => {
    if (takes(request, () => inner.emit('request', request, response))) return;
    for (const listener of theirs) Reflect.apply(listener, server, [request, response]);
  };
  replaceRequestListeners(server, [onRequest]);

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (takes(request, () => inner.emit('upgrade', request, socket, head))) return;
    // Without a listener Node would have answered it as any other request; with one, it leaves the connection alone.
    if (server.listenerCount('upgrade') === 1) socket.on('error', () => {}).end(refusal);
  };
  server.on('upgrade', onUpgrade);

  return () => {
    isOpen = false;
    server.off('upgrade', onUpgrade);
    const now = server.rawListeners('request') as RequestListener[];
    // Who came after us may call our listener as we call theirs: it stays, and passes everything on.
    if (now.includes(onRequest))
      replaceRequestListeners(
        server,
        now.flatMap((listener) => (listener === onRequest ? theirs : [listener])),
      );
  };
}

function replaceRequestListeners(server: Server, listeners: readonly RequestListener[]): void {
  server.removeAllListeners('request');
  for (const listener of listeners) server.on('request', listener);
}

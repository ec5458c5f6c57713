import { request } from 'node:http';
import { connect } from 'node:net';

/** A secret in the forms in which it may show: as it is, encoded for an address, in base64, and as the numbers of its bytes. */
export function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    encodeURIComponent(secret),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
    [...bytes].join(','),
  ];
}

/** The parts of a token that are worth something: the first is the same for all. */
export function partsOf(token: string): string[] {
  return token.split('.').slice(1);
}

/** The address as it is: `fetch` would mend it. */
export function get(url: string, path: string, headers: Record<string, string> = {}): Promise<number> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, headers }, (response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** Sends bytes that need be no HTTP; resolves with what was answered when the connection has ended. */
export function sendBytes(url: string, bytes: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect(Number(port), hostname, () => socket.end(bytes));
    socket.on('data', (chunk) => (heard += chunk.toString('latin1')));
    // The server may cut what it cannot read.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      resolve(heard);
    });
  });
}

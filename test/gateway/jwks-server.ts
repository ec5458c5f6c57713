import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JWK } from 'jose';
import { onTestFinished } from 'vitest';

export interface JwksServer {
  readonly url: string;
  keys: JWK[];
  /** Answered instead of the keys. */
  failure: { status: number; body: string } | undefined;
  requests: number;
  close(): Promise<void>;
}

/** A JWKS document on loopback. */
export async function startJwksServer(...keys: JWK[]): Promise<JwksServer> {
  const server = createServer((_request, response) => {
    jwks.requests++;
    const { status, body } = jwks.failure ?? { status: 200, body: JSON.stringify({ keys: jwks.keys }) };
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const jwks: JwksServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys.json`,
    keys,
    failure: undefined,
    requests: 0,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
  onTestFinished(() => jwks.close());
  return jwks;
}

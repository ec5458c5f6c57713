/* A server in a process of its own, for tests that kill it: database and port as arguments, one line of JSON when it listens. */
import Fastify from 'fastify';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { commitcast } from '../../src/http/plugin.ts';

const [databaseUrl, port = '0', secret] = process.argv.slice(2);
const app = Fastify({ logger: false });
await app.register(commitcast, { databaseUrl, jwt: { secret }, adapter: 'postgres' });
await app.listen({ port: Number(port), host: '127.0.0.1' });
console.log(JSON.stringify({ port: (app.server.address() as AddressInfo).port }));

// It ends with whoever started it.
await once(process.stdin.resume(), 'end');
await app.close();

/** `server.mjs` of the application that `init` writes. */
export const server = `// Notes: each is written in a transaction that also says so; see README.md.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { append, snapshot } from 'commitcast';
import { commitcast } from 'commitcast/fastify';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import Fastify from 'fastify';
import { SignJWT } from 'jose';

if (existsSync('.env')) process.loadEnvFile();
const { DATABASE_URL, JWT_SECRET, HOST = '127.0.0.1', PORT = '3000' } = process.env;
if (!DATABASE_URL) throw new Error('DATABASE_URL is not set: copy .env.example to .env');
const secret = JWT_SECRET || randomBytes(32).toString('hex');

const db = drizzle(DATABASE_URL);
// Or a restart of the database would end this process.
db.$client.on('error', (error) => console.warn(error.message));
await db.execute(sql\`create table if not exists note (id int generated always as identity primary key, text text not null)\`);

const app = Fastify();
app.register(commitcast, { db, jwt: { secret } });

// Both are committed, or neither is.
const note = { type: 'object', required: ['text'], properties: { text: { type: 'string', minLength: 1, maxLength: 1000 } } };
app.post('/notes', { schema: { body: note } }, ({ body: { text } }) =>
  db.transaction(async (tx) => {
    const { rows } = await tx.execute(sql\`insert into note (text) values (\${text}) returning id, text\`);
    await append(tx, { org: 'acme', type: 'note.added', data: rows[0] });
    return rows[0];
  }),
);

// The notes, and the cursor that they stand for.
app.get('/notes', () =>
  snapshot(db, async (tx, cursor) => {
    const { rows } = await tx.execute(sql\`select id, text from note order by id\`);
    return { notes: rows, cursor };
  }),
);

// Your sign-in belongs in front of this: whoever has the token sees what happens in acme.
app.get('/token', () =>
  new SignJWT({ sub: 'somebody', org_id: 'acme' })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(secret)),
);

app.get('/', async (_request, reply) =>
  reply.type('text/html').send(await readFile(new URL('index.html', import.meta.url))),
);

// The browser's client, as plain modules.
const modules = new URL('..', import.meta.resolve('commitcast/client'));
app.get('/commitcast/:folder/:file', async ({ params: { folder, file } }, reply) => {
  if (!/^(client|core)$/.test(folder) || !/^[a-z-]+\\.js$/.test(file)) return reply.callNotFound();
  const text = await readFile(new URL(folder + '/' + file, modules), 'utf8').catch(() => undefined);
  return text === undefined ? reply.callNotFound() : reply.type('text/javascript').send(text);
});

console.log('Notes: ' + (await app.listen({ host: HOST, port: Number(PORT) })));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close().then(() => db.$client.end()));
`;

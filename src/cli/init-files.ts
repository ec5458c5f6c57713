import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { page } from './init-page.ts';
import { server } from './init-server.ts';

interface OwnPackage {
  readonly version: string;
  readonly bin: { readonly commitcast: string };
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/** What `init` writes: names, and what is in them. */
export function applicationFiles(folderName: string): Readonly<Record<string, string>> {
  return {
    'package.json': packageJson(folderName),
    'server.mjs': server,
    'index.html': page,
    '.env.example': environment,
    '.gitignore': 'node_modules/\n.env\n',
    'README.md': readme,
  };
}

/** The versions are those that this Commitcast goes with. */
function packageJson(folderName: string): string {
  // The same place beside `src/cli` and `dist/cli`.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version, bin, dependencies, peerDependencies } = JSON.parse(text) as OwnPackage;
  const content = {
    name: packageName(folderName),
    private: true,
    type: 'module',
    scripts: {
      start: 'node server.mjs',
      // Unlike `npx commitcast`, with what `.env` names.
      commitcast: `node --env-file=.env ${posix.join('node_modules/commitcast', bin.commitcast)}`,
    },
    dependencies: {
      commitcast: `^${version}`,
      'drizzle-orm': peerDependencies['drizzle-orm'],
      fastify: peerDependencies['fastify'],
      jose: dependencies['jose'],
      pg: dependencies['pg'],
    },
  };
  return `${JSON.stringify(content, undefined, 2)}\n`;
}

/** npm refuses names with capitals, blanks, and a dot or an underline at their beginning. */
function packageName(folderName: string): string {
  const name = folderName
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '')
    .replace(/-+$/, '')
    .slice(0, 200);
  return name === '' ? 'commitcast-app' : name;
}

const environment = `# Postgres 14 or newer. The role may create tables in it, and the schema "commitcast".
DATABASE_URL=postgres://postgres:postgres@127.0.0.1:5432/postgres
# What tokens are signed with, at least 32 bytes: openssl rand -hex 32
# Left empty, every start makes a new one.
JWT_SECRET=
HOST=127.0.0.1
PORT=3000
`;

const readme = `# Notes

Each note is written in a transaction that also says so. Every page that is open gets what was committed, in commit
order, none missed, none twice.

\`\`\`sh
npm install
cp .env.example .env   # name your Postgres in it
npm start
\`\`\`

Open http://127.0.0.1:3000 in two windows and add a note in one of them. This shows up in both, from any SQL client; also
when the server is stopped meanwhile, and started again:

\`\`\`sql
with added as (insert into note (text) values ('from SQL') returning id, text)
insert into commitcast.outbox (org_id, type, data)
select 'acme', 'note.added', jsonb_build_object('id', id, 'text', text) from added;
\`\`\`

- \`server.mjs\`: the Fastify plugin, and one route that writes in a transaction. Put your sign-in in front of \`/token\`.
- \`index.html\`: loads the notes with the cursor that they stand for, and follows on from there. It takes the browser's
  client as plain modules from \`node_modules\`; a bundler does without the import map, and without that route.
- \`npm run commitcast status\` shows the log and who serves it, \`npm run commitcast tail\` its events as they come, and
  \`npm run commitcast doctor\` what is wrong, if anything. That script is \`npx commitcast\` with what \`.env\` names.
`;

import type { Mode } from './mode.ts';
import { signToken } from './sign-token.ts';

export interface BannerFacts {
  url: string;
  databaseUrl: string;
  jwtSecret: string | undefined;
  mode: Mode;
  demo: boolean;
}

/** What somebody at a terminal does next. */
export async function banner({ url, databaseUrl, jwtSecret, mode, demo }: BannerFacts): Promise<string> {
  if (demo) return `\nThe demo is live:  ${url}\n\nCtrl-C stops it. Its data stays in .commitcast.\n`;
  if (!mode.development || jwtSecret === undefined) return '';
  const insert = `insert into commitcast.outbox (org_id, type, data) values ('acme', 'hello', '{"from": "psql"}')`;
  return `
Commitcast runs at ${url}, for development: on this machine only, with its own Postgres in .commitcast.

a token    ${await signToken(jwtSecret, {}, { org: 'acme', ttl: '1d' })}
an insert  psql '${databaseUrl}' -c $'${insert.replaceAll("'", "\\'")}'
the page   ${url}
`;
}

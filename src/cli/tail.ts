import { parseCursor } from '../core/cursor.ts';
import { CommitcastError } from '../core/errors.ts';
import type { CommitcastEvent } from '../core/event.ts';
import { parseSubscription } from '../core/subscription.ts';
import { parseOptions, type Command } from './command.ts';
import { findDatabase } from './folder.ts';
import { printable, printableJson } from './printable.ts';
import { tailDatabase } from './tail-database.ts';
import type { TailRequest } from './tail-request.ts';
import { tailServer } from './tail-server.ts';

export const tailCommand: Command = {
  name: 'tail',
  summary: 'Prints events as they are committed, in order.',
  usage: [
    '--org ID [--site ID] [--unit ID] [--deep]   of one scope; without --org, of all orgs (database only)',
    '--cursor CURSOR   goes on after it; --from-start: from the oldest event kept; else from now on',
    '--json            one JSON object a line, with the cursor after it',
    '--url URL --token TOKEN   through a server, with the rights of the token, instead of from the database',
  ],
  async run(args) {
    const options = parseOptions(args, {
      org: { type: 'string' },
      site: { type: 'string' },
      unit: { type: 'string' },
      deep: { type: 'boolean' },
      cursor: { type: 'string' },
      'from-start': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      url: { type: 'string' },
      token: { type: 'string' },
    });
    const { org, site, unit, deep, cursor, json, url, token } = options;
    if (cursor !== undefined) parseCursor(cursor);
    const scoped = site !== undefined || unit !== undefined || deep === true;
    if (scoped && org === undefined && url === undefined)
      throw new CommitcastError('USAGE', '--site, --unit and --deep need --org');

    const ending = new AbortController();
    let last = cursor;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort());
    const request: TailRequest = {
      org,
      subscription:
        org !== undefined || scoped
          ? parseSubscription({ ...(site && { site }), ...(unit && { unit }), ...(deep && { deep }) })
          : undefined,
      cursor,
      fromStart: options['from-start'],
      print: (event, after) => {
        last = after;
        process.stdout.write(json ? `${printableJson({ ...event, cursor: after })}\n` : lineOf(event));
      },
      tell: (line) => process.stderr.write(`${printable(line)}\n`),
      signal: ending.signal,
    };
    if (url === undefined) await tailDatabase(await findDatabase(), request);
    else if (token === undefined) throw new CommitcastError('TOKEN_REQUIRED', '--url needs --token');
    else await tailServer(url, token, request);
    if (last !== undefined && !json) request.tell(`go on with: --cursor ${last}`);
    process.exit(0);
  },
};

function lineOf({ position, time, type, org, site, unit, data }: CommitcastEvent): string {
  const scope = [org, site, unit].filter((part) => part !== undefined).join('/');
  return `${String(position).padStart(8)}  ${time}  ${printable(type).padEnd(20)}  ${scope.padEnd(24)}  ${printableJson(data)}\n`;
}

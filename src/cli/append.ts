import { createInterface } from 'node:readline';
import { CommitcastError } from '../core/errors.ts';
import type { NewEvent } from '../core/event.ts';
import { silentLogger } from '../core/logger.ts';
import { connect } from '../db/connection.ts';
import { append } from '../log/append.ts';
import { parseOptions, type Command } from './command.ts';
import { findDatabase } from './folder.ts';

export const appendCommand: Command = {
  name: 'append',
  summary: 'Appends an event in a transaction of its own, and prints its id.',
  usage: [
    '--org ID --type TYPE [--site ID] [--unit ID] [--data JSON] [--meta JSON]',
    '--stream NAME [--expected-version any|none|N]   with a version; refused when the stream is at another one',
    '--key KEY       appends nothing the second time, and prints the id of the first',
    '--json          instead: events from standard input, one JSON object a line, all in one transaction',
  ],
  async run(args) {
    const options = parseOptions(args, {
      org: { type: 'string' },
      type: { type: 'string' },
      site: { type: 'string' },
      unit: { type: 'string' },
      data: { type: 'string' },
      stream: { type: 'string' },
      'expected-version': { type: 'string' },
      key: { type: 'string' },
      meta: { type: 'string' },
      json: { type: 'boolean', default: false },
    });
    const { json, key, ...fields } = options;
    const events = json ? await readLines() : [eventOf(fields)];
    const connection = await connect({
      connectionString: await findDatabase(),
      applicationName: 'commitcast-append',
      logger: silentLogger,
    });
    try {
      await connection.client.query('begin');
      const ids = await append(connection.client, events, { key });
      await connection.client.query('commit');
      process.stdout.write(ids.map((id) => `${id}\n`).join(''));
    } finally {
      await connection.close();
    }
  },
};

function eventOf({
  data,
  meta,
  'expected-version': expected,
  ...fields
}: Record<string, string | undefined>): NewEvent {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return {
    ...(Object.fromEntries(given) as unknown as NewEvent),
    data: data === undefined ? null : parse('--data', data),
    ...(meta === undefined ? {} : { meta: parse('--meta', meta) as Record<string, unknown> }),
    ...(expected === undefined ? {} : { expectedVersion: expectedOf(expected) }),
  };
}

function expectedOf(text: string): NewEvent['expectedVersion'] {
  return text === 'any' || text === 'none' ? text : Number(text);
}

async function readLines(): Promise<NewEvent[]> {
  const events: NewEvent[] = [];
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() !== '') events.push(parse(`line ${events.length + 1}`, line) as NewEvent);
  }
  return events;
}

function parse(where: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new CommitcastError('EVENT_INVALID', `${where} is no JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

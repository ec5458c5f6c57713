import { createHash } from 'node:crypto';
import type { Executor } from '../../src/db/executor.ts';
import { accounts } from './accounts.ts';

interface Booked {
  id: string;
  org: string;
  stream: string;
  version: number;
  data: { command: string; turn: number; amount: number };
}

interface Account {
  sum: number;
  entries: number;
  trail: string;
}

/**
 * What is wrong with the log, by what the business tables say; nothing when it is as promised: versions dense from 1 in
 * the order of positions, each event where it was expected, each command done once, and the accounts what a fold of the
 * log makes of them.
 */
export async function judgeAccounts(db: Executor, acknowledged: readonly string[]): Promise<string[]> {
  const { rows } = await db.query(
    `select id, org_id as org, stream, version::int, data from commitcast.log where type = 'booked' order by position`,
  );
  const log = rows as Booked[];
  const objections: string[] = [];
  const object = (what: string) => objections.push(what);

  const folded = new Map<string, Account>();
  const turns = new Map<string, Booked>();
  for (const event of log) {
    const { org, stream, version, data } = event;
    const account = `${org} ${stream}`;
    const state = folded.get(account) ?? { sum: 0, entries: 0, trail: '' };
    if (version !== state.entries + 1)
      object(`version: ${account} has ${version} where ${state.entries + 1} is next`);
    folded.set(account, {
      sum: state.sum + data.amount,
      entries: state.entries + 1,
      trail: createHash('md5').update(`${state.trail}${data.amount}`).digest('hex'),
    });
    const turn = `${data.command} ${data.turn}`;
    if (turns.has(turn)) object(`twice: ${turn}`);
    turns.set(turn, event);
  }

  const { rows: found } = await db.query('select org, stream, sum::int, entries, trail from model.account');
  for (const { org, stream, ...state } of found as (Account & { org: string; stream: string })[]) {
    const fold = folded.get(`${org} ${stream}`) ?? { sum: 0, entries: 0, trail: '' };
    if (JSON.stringify(state) !== JSON.stringify(fold))
      object(`state: ${org} ${stream} is ${JSON.stringify(state)}, the log says ${JSON.stringify(fold)}`);
  }
  if (found.length !== accounts.length) object(`state: ${found.length} accounts`);

  const { rows: entries } = await db.query('select command, turn, event, expected::int from model.entry');
  for (const entry of entries as {
    command: string;
    turn: number;
    event: string;
    expected: number | null;
  }[]) {
    const turn = `${entry.command} ${entry.turn}`;
    const event = turns.get(turn);
    if (event?.id !== entry.event) object(`lost: ${turn}, ${entry.event}`);
    else if (entry.expected !== null && event.version !== entry.expected + 1)
      object(`expected: ${turn} has version ${event.version} after ${entry.expected} was expected`);
  }
  if (entries.length !== log.length) object(`lost: ${entries.length} entries, ${log.length} events`);
  const committed = new Set(log.map(({ data }) => data.command));
  for (const key of acknowledged) if (!committed.has(key)) object(`lost: ${key} was acknowledged`);
  return objections;
}

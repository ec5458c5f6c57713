import { CommitcastError } from '../core/errors.ts';
import { silentLogger } from '../core/logger.ts';
import { listConsumers } from '../consumer/list-consumers.ts';
import { listParked } from '../consumer/list-parked.ts';
import {
  askParked,
  pauseConsumer,
  removeConsumer,
  requestRebuild,
  resumeConsumer,
  rewindConsumer,
} from '../consumer/operate.ts';
import { connect } from '../db/connection.ts';
import type { Executor } from '../db/executor.ts';
import { checkSchema } from '../db/migrate.ts';
import { helpText, parseOptions, type Command } from './command.ts';
import { followConsumer } from './consumers-follow.ts';
import { consumersTable, parkedTable } from './consumers-table.ts';
import { rewindTarget } from './consumers-target.ts';
import { findDatabase } from './folder.ts';
import { printableJson } from './printable.ts';
import { terminalWidth } from './terminal.ts';

export const consumersCommand: Command = {
  name: 'consumers',
  summary: 'Shows durable consumers, and operates them; their workers follow within a second.',
  usage: [
    'list [--json]                 position, lag, worker and state of every partition',
    'pause NAME                    the transaction in hand is finished, then nothing until `resume`',
    'resume NAME                   goes on: also partitions that stand still, with all their attempts',
    'rewind NAME --to start|CURSOR|POSITION [--wait]   handles again what came after; what was written stays',
    'rebuild NAME [--wait]         takes back what was written, and begins anew at the oldest event kept',
    '--wait                        shows how far it is; Ctrl-C ends that, and the work goes on',
    'remove NAME                   forgets a consumer that nobody runs, and its checkpoint',
    'parked [NAME] [--json] [--limit N]   the events that were put aside; by default the first 1,000',
    'retry NAME --position N | --lane LANE | --all   tries them once more, each lane from its first event',
    'drop NAME --position N | --lane LANE | --all    gives them up; what waits behind them is handled',
  ],
  async run([verb = 'help', ...args]) {
    if (verb === 'help') {
      process.stdout.write(helpText([consumersCommand]));
      return;
    }
    const prepare = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
    if (!prepare)
      throw new CommitcastError('USAGE', `consumers ${verb}: expected ${Object.keys(verbs).join(', ')}`);
    // A command line that is wrong needs no database to say so.
    const operate = prepare(args);
    const connection = await connect({
      connectionString: await findDatabase(),
      applicationName: 'commitcast-consumers',
      logger: silentLogger,
    });
    try {
      await checkSchema(connection.client);
      await operate(connection.client);
    } finally {
      await connection.close();
    }
  },
};

type Operation = (db: Executor) => Promise<void>;

const verbs: Readonly<Record<string, (args: string[]) => Operation>> = {
  list(args) {
    const { json } = parseOptions(args, { json: { type: 'boolean' } });
    return async (db) => {
      const all = await listConsumers(db);
      print(json ? printableJson(all) : consumersTable(all, terminalWidth()));
    };
  },
  pause: plain(pauseConsumer, 'is paused'),
  resume: plain(resumeConsumer, 'goes on'),
  rewind: named((name, args) => {
    const { to, wait } = parseOptions(args, { to: { type: 'string' }, wait: { type: 'boolean' } });
    if (to === undefined) throw new CommitcastError('USAGE', 'rewind needs --to start|CURSOR|POSITION');
    return async (db) => {
      const position = await rewindTarget(db, to);
      await rewindConsumer(db, name, position);
      print(`${name} goes on after position ${position}.`);
      if (wait) await followConsumer(db, name, position);
    };
  }),
  rebuild: named((name, args) => {
    const { wait } = parseOptions(args, { wait: { type: 'boolean' } });
    return async (db) => {
      await requestRebuild(db, name);
      print(`${name} will be rebuilt.`);
      if (wait) await followConsumer(db, name);
    };
  }),
  remove: plain(removeConsumer, 'is forgotten'),
  parked(args) {
    const name = nameIn(args);
    const options = parseOptions(name === undefined ? args : args.slice(1), {
      json: { type: 'boolean' },
      limit: { type: 'string', default: '1000' },
    });
    const limit = wholeNumber('--limit', options.limit);
    return async (db) => {
      const all = await listParked(db, name, { limit });
      print(options.json ? printableJson(all) : parkedTable(all, limit, terminalWidth()));
    };
  },
  retry: named((name, args) => ask('retry', name, args)),
  drop: named((name, args) => ask('drop', name, args)),
};

/** Options of a verb that needs the name of a consumer, which comes first. */
function named(prepare: (name: string, args: string[]) => Operation): (args: string[]) => Operation {
  return (args) => {
    const name = nameIn(args);
    if (name === undefined) throw new CommitcastError('USAGE', 'The name of a consumer is needed');
    return prepare(name, args.slice(1));
  };
}

/** A verb without options. */
function plain(operate: (db: Executor, name: string) => Promise<void>, done: string) {
  return named((name, args) => {
    parseOptions(args, {});
    return async (db) => {
      await operate(db, name);
      print(`${name} ${done}.`);
    };
  });
}

function nameIn([first]: string[]): string | undefined {
  return first === undefined || first.startsWith('--') ? undefined : first;
}

function ask(action: 'retry' | 'drop', name: string, args: string[]): Operation {
  const { position, lane, all } = parseOptions(args, {
    position: { type: 'string' },
    lane: { type: 'string' },
    all: { type: 'boolean' },
  });
  if ([position, lane, all].filter((given) => given !== undefined).length !== 1)
    throw new CommitcastError('USAGE', `${action} needs one of --position, --lane and --all`);
  const choice =
    position !== undefined
      ? { position: wholeNumber('--position', position) }
      : lane !== undefined
        ? { lane }
        : { all: true as const };
  return async (db) => {
    const asked = await askParked(db, name, action, choice);
    if (asked === 0) throw new CommitcastError('NOT_FOUND', `Nothing like that is parked by ${name}`);
    if (action === 'drop') print(`${asked} parked event${asked === 1 ? '' : 's'} will be dropped.`);
    else print(`${asked} lane${asked === 1 ? '' : 's'} will be tried from the first event.`);
  };
}

function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new CommitcastError('USAGE', `${option} is a whole number`);
  return Number(text);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

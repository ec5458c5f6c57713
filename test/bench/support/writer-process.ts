/* The open-loop generator: see `writer.ts`. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Client } from 'pg';
import { WebSocket } from 'ws';
import { answer, nowUs } from './answer.ts';
import { percentile } from './samples.ts';
import type { Load, WriterOptions, Written } from './writer.ts';

const oneEvent = `insert into commitcast.outbox (org_id, unit_id, type, data)
  values (:org, :unit, 'bench.ticked', :event::jsonb)`;
const manyEvents = `insert into commitcast.outbox (org_id, unit_id, type, data)
  select :org, unit, 'bench.ticked', data
    from unnest(:units::text[], :events::jsonb[]) with ordinality as event (unit, data, n) order by n`;

/** Time for the thread of the metronome to start. */
const leadUs = 100_000;

/** What carries one transaction at a time. */
interface Connection {
  submit(prepared: Prepared): Promise<unknown>;
}

interface Prepared {
  name: string;
  text: string;
  values: unknown[];
  events: string[];
}

const idle: Connection[] = [];
let sent = 0;
let statements = 0;

answer({
  connect: async ({ databaseUrl, url, connections = 1 }: WriterOptions) => {
    idle.push(
      ...(url === undefined
        ? await Promise.all(Array.from({ length: connections }, () => toDatabase(databaseUrl)))
        : [await toServer(url)]),
    );
  },
  run,
});

async function toDatabase(connectionString: string | undefined): Promise<Connection> {
  const client = new Client({ connectionString, application_name: 'bench writer' });
  await client.connect();
  return { submit: ({ name, text, values }) => client.query({ name, text, values }) };
}

async function toServer(url: string): Promise<Connection> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'));
  await once(socket, 'open');
  return {
    submit: async ({ events }) => {
      for (const event of events) socket.send(event);
    },
  };
}

interface Transaction {
  dueUs: number;
  /** Number of its first event. */
  first: number;
}

type Prepare = (transaction: Transaction) => Prepared;

async function run(load: Load): Promise<Written> {
  const { perSecond, seconds, eventsPerTransaction = 1 } = load;
  const first = sent;
  const count = Math.round(perSecond * seconds);
  const everyUs = 1_000_000 / perSecond;
  const startUs = nowUs() + leadUs;
  const metronome = new Worker(new URL('metronome.mjs', import.meta.url), {
    workerData: { startUs, everyUs, count },
  });
  const lateUs = await sendAll(metronome, preparation(load), count, (k) => ({
    dueUs: Math.round(startUs + k * everyUs),
    first: first + k * eventsPerTransaction,
  }));
  sent += count * eventsPerTransaction;
  return {
    sent: count * eventsPerTransaction,
    first,
    lateUsP99: percentile(
      lateUs.sort((one, other) => one - other),
      0.99,
    ),
    seconds: (nowUs() - startUs) / 1_000_000,
  };
}

/** Resolves when the last one is committed, with how late each was sent. */
function sendAll(
  metronome: Worker,
  prepare: Prepare,
  count: number,
  transaction: (k: number) => Transaction,
): Promise<number[]> {
  const lateUs: number[] = [];
  let due = 0;
  let done = 0;
  return new Promise((resolve, reject) => {
    const next = () => {
      for (let client; lateUs.length < due && (client = idle.shift());) submit(client);
    };
    const submit = (connection: Connection) => {
      const one = transaction(lateUs.length);
      lateUs.push(nowUs() - one.dueUs);
      connection.submit(prepare(one)).then(() => {
        idle.push(connection);
        done += 1;
        if (done === count) resolve(lateUs);
        else next();
      }, reject);
    };
    metronome.on('error', reject);
    metronome.on('message', (until: number) => {
      due = until;
      next();
    });
  });
}

function preparation(load: Load): Prepare {
  const { eventsPerTransaction = 1, units = 1, dataBytes = 0, org = 'acme' } = load;
  const template = load.statement ?? (eventsPerTransaction === 1 ? oneEvent : manyEvents);
  const names: string[] = [];
  // Each name gets the number of its first use: a parameter that a statement does not use has no type.
  const text = template.replaceAll(/(?<!:):(org|units?|events?)\b/g, (_, name: string) => {
    if (!names.includes(name)) names.push(name);
    return `$${names.indexOf(name) + 1}`;
  });
  statements += 1;
  const name = `bench_${statements}`;
  const padding = dataBytes === 0 ? '' : `, "text": "${'x'.repeat(dataBytes)}"`;
  return ({ dueUs, first }) => {
    const numbers = Array.from({ length: eventsPerTransaction }, (_, index) => first + index);
    const events = numbers.map((n) => `{"due": ${dueUs}, "n": ${n}${padding}}`);
    const unitNames = numbers.map((n) => `u${n % units}`);
    const given: Record<string, unknown> = {
      org,
      unit: unitNames[0],
      event: events[0],
      units: unitNames,
      events,
    };
    return { name, text, values: names.map((each) => given[each]), events };
  };
}

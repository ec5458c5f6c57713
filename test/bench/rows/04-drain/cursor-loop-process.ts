/* The least that any reader of the log does: pages of rows, whose `data` is parsed, behind a cursor. */
import { Client } from 'pg';
import { answer } from '../../support/answer.ts';
import type { Backlog } from '../04-drain.ts';
import { drained, Tally, type Drained } from '../../support/tally.ts';

answer({
  drain: async ({ databaseUrl, events }: Backlog): Promise<Drained> => {
    const client = new Client(databaseUrl);
    const tally = new Tally(events);
    const began = performance.now();
    await client.connect();
    for (let position = '0'; ;) {
      const { rows } = await client.query<{ position: string; data: { n: number } }>(
        'select * from commitcast.log where position > $1 order by position limit 1000',
        [position],
      );
      for (const { data } of rows) tally.take(data.n);
      if (rows.length === 0) break;
      position = rows.at(-1)?.position ?? position;
    }
    const seconds = (performance.now() - began) / 1_000;
    await client.end();
    return drained(tally, seconds);
  },
});

import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/client/index.ts';
import { append } from '../../src/log/append.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

it('works', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const port = Number(new URL(server.url).port);
  const client = connect({ token: () => signToken(), url: server.url });
  onTestFinished(() => client.close());
  const states: string[] = [];
  client.onState(({ name }) => states.push(name));
  const seen: number[] = [];
  const all = client.subscribe({ deep: true });
  all.on('*', ({ position }) => {
    seen.push(position);
  });
  await until(() => client.state.name === 'live');
  const write = () => append(database.pool, { org: 'acme', unit: 'u1', type: 'a', data: {} });
  for (let i = 0; i < 5; i++) await write();
  await until(() => seen.length === 5);
  await server.close();
  await until(() => client.state.name === 'offline');
  for (let i = 0; i < 5; i++) await write();
  await startServer(database, { port });
  await until(() => seen.length === 10);
  const late: number[] = [];
  const unit = client.subscribe({ unit: 'u1' });
  unit.on('a', ({ position }) => void late.push(position));
  await until(() => unit.state.name === 'active');
  await write();
  await until(() => late.length === 1);
  expect(late).toEqual(seen.slice(-1));
  const back: number[] = [];
  client
    .subscribe({ unit: 'u1' }, { from: client.cursor!.replace(/\d+$/, String(seen[2])) })
    .on('*', ({ position }) => void back.push(position));
  await until(() => back.length === 8);
  console.log(states, client.cursor, seen, back, all.state, unit.state);
});

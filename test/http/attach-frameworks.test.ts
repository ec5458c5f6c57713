import { Controller, Inject, Module, Param, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import express from 'express';
import type { Server } from 'node:http';
import type { Pool } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { inPoolTransaction } from '../../src/consumer/database.ts';
import { append } from '../../src/log/append.ts';
import { openClient } from '../client/integration/world.ts';
import { createDatabase } from '../support/database.ts';
import { watchLeaks } from '../support/leaks.ts';
import { until } from '../support/until.ts';
import { attachTo, endServer, urlOf } from './attach-server.ts';

const database = await createDatabase();
await database.pool.query('create table door (id text primary key, opened int not null check (opened <= 2))');

/** The business of both applications: the third time is refused by the database, after the event was appended. */
function open(pool: Pool, id: string): Promise<void> {
  return inPoolTransaction(pool, async (tx) => {
    await append(tx, { org: 'acme', unit: id, type: 'door.opened', data: { id } });
    await tx.query(
      'insert into door values ($1, 1) on conflict (id) do update set opened = door.opened + 1',
      [id],
    );
  });
}

/** Three requests, of which the last one fails: the client has two events, and one of after. */
async function expectDelivery(url: string, id: string): Promise<void> {
  const client = openClient(url);
  const seen: string[] = [];
  client.subscribe({ unit: id }).on('*', ({ type }) => seen.push(type));
  await client.live();
  const statuses: number[] = [];
  for (let n = 0; n < 3; n++) statuses.push((await fetch(`${url}/doors/${id}`, { method: 'POST' })).status);
  expect(statuses).toEqual([201, 201, 500]);
  await append(database.pool, { org: 'acme', unit: id, type: 'after', data: null });
  await until(() => seen.includes('after'));
  expect(seen).toEqual(['door.opened', 'door.opened', 'after']);
  expect((await fetch(`${url}/no-such-page`)).status).toBe(404);
  await client.close();
}

it('P1: Express 5: what a route commits reaches a browser client; close() leaves nothing behind', async () => {
  const expectNoLeaks = await watchLeaks(database);
  const app = express();
  app.post('/doors/:id', async (request, response) => {
    await open(database.pool, request.params.id);
    response.status(201).end();
  });
  app.use(((_error, _request, response, _next) => {
    response.status(500).end();
  }) satisfies express.ErrorRequestHandler);
  // As most applications of Express do: it listens before Commitcast is up.
  const server = await new Promise<Server>((resolve) => {
    const listening = app.listen(0, '127.0.0.1', () => resolve(listening));
  });
  onTestFinished(() => endServer(server));
  const commitcast = await attachTo(server, database);
  await expectDelivery(urlOf(server), 'express');
  await commitcast.close();
  await endServer(server);
  await expectNoLeaks();
});

// Written out, as the compiler does it: decorators are no erasable syntax.
class Doors {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  open(id: string): Promise<void> {
    return open(this.#pool, id);
  }
}
Controller('doors')(Doors);
Inject('pool')(Doors, undefined, 0);
Post(':id')(Doors.prototype, 'open', Object.getOwnPropertyDescriptor(Doors.prototype, 'open') ?? {});
Param('id')(Doors.prototype, 'open', 0);

class Application {
  readonly name = 'doors';
}
Module({ controllers: [Doors], providers: [{ provide: 'pool', useValue: database.pool }] })(Application);

it('P1: NestJS 11: what a controller commits reaches a browser client; close() leaves nothing behind', async () => {
  const expectNoLeaks = await watchLeaks(database);
  const app = await NestFactory.create(Application, { logger: false });
  const server = app.getHttpServer() as Server;
  const commitcast = await attachTo(server, database);
  await app.listen(0, '127.0.0.1');
  await expectDelivery(urlOf(server), 'nest');
  await commitcast.close();
  await app.close();
  await expectNoLeaks();
});

import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { publishPath } from '../../src/demo/publish-route.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { signToken, type Claims } from '../support/tokens.ts';
import { org, startDemo, type DemoServer } from './demo-server.ts';

const note = { type: 'note.added', data: { text: 'Hello' } };
const unit = 'truck-7';

const headersOf = async (claims: Claims) => ({
  authorization: `Bearer ${await signToken(claims)}`,
  'content-type': 'application/json',
});

describe('publishing in the demo', () => {
  let database: TestDatabase;
  let demo: DemoServer;
  let headers: Record<string, string>;

  beforeAll(async () => {
    database = await createDatabase();
  });
  beforeEach(async () => {
    demo = await startDemo(database, { eventsPerSecond: 1 });
    headers = await headersOf({ org_id: org });
  });

  const post = async (body: string, withHeaders = headers) => {
    const response = await fetch(`${demo.url}${publishPath}`, { method: 'POST', headers: withHeaders, body });
    const answer = (await response.json()) as { id?: string; error?: { code: string; message: string } };
    return {
      status: response.status,
      id: answer.id,
      code: answer.error?.code,
      message: answer.error?.message,
    };
  };
  const publish = (event: object, withHeaders?: Record<string, string>) =>
    post(JSON.stringify(event), withHeaders);
  const published = async () => {
    const { rows } = await database.pool.query(
      `select id, org_id, site_id, unit_id, type, data from commitcast.log where type in ('note.added', 'note.forged')
       order by position desc limit 1`,
    );
    return rows[0] as Record<string, unknown> | undefined;
  };

  it('commits the event in the org of the token, with the id that was given', async () => {
    const id = '0b8a2f70-8f4d-4e0c-9d5c-6f6f0c8f1a11';
    expect(await publish({ ...note, id, site: 'on-the-road', unit })).toMatchObject({ status: 201, id });
    expect(await published()).toEqual({
      id,
      org_id: org,
      site_id: 'on-the-road',
      unit_id: unit,
      type: note.type,
      data: note.data,
    });
  });

  it('commits nothing in another org, named in the body or not', async () => {
    const forged = { ...note, type: 'note.forged' };
    expect(await publish({ ...forged, org: 'demo-alder' })).toMatchObject({
      status: 403,
      code: 'ORG_FORBIDDEN',
    });
    expect(await publish(forged, await headersOf({ org_id: 'demo-alder' }))).toMatchObject({ status: 201 });
    expect(await published()).toMatchObject({ org_id: 'demo-alder', type: 'note.forged' });
    const { rowCount } = await database.pool.query(
      `select from commitcast.log where type = 'note.forged' and org_id = $1`,
      [org],
    );
    expect(rowCount).toBe(0);
  });

  it('commits nothing without a token, nor where the token may not look', async () => {
    const { authorization: _authorization, ...without } = headers;
    expect(await publish(note, without)).toMatchObject({ status: 401, code: 'TOKEN_REQUIRED' });
    const limited = await headersOf({ org_id: org, units: [unit] });
    const denied = { status: 403, code: 'SUBSCRIPTION_DENIED' };
    expect(await publish({ ...note, unit: 'truck-12' }, limited)).toMatchObject(denied);
    expect(await publish({ ...note, site: 'pier-4' }, limited)).toMatchObject(denied);
    expect(await publish({ ...note, unit, site: 'pier-4' }, limited)).toMatchObject(denied);
    expect(await publish({ ...note, unit }, limited)).toMatchObject({ status: 201 });
  });

  it('says what is wrong with an event', async () => {
    const invalid = { status: 400, code: 'EVENT_INVALID' };
    expect(await publish({ ...note, type: '' })).toMatchObject(invalid);
    expect(await publish({ ...note, unit: 'a:b' })).toMatchObject(invalid);
    expect(await publish({ ...note, id: 'mine' })).toMatchObject(invalid);
    expect(await publish({ ...note, stream: 'order-9' })).toMatchObject(invalid);
    expect(await publish([note])).toMatchObject(invalid);
    expect(await post('{')).toMatchObject(invalid);
    expect(await publish({ ...note, type: 'commitcast.revoked' })).toMatchObject({
      code: 'EVENT_NAME_RESERVED',
    });
    const large = { ...note, data: 'x'.repeat(70_000) };
    expect(await publish(large)).toMatchObject({ status: 413, code: 'EVENT_TOO_LARGE' });
  });
});

import { request, type IncomingMessage, type Server } from 'node:http';
import { expect, it, vi } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { once } from '../support/until.ts';
import { attachTo, listen, serverOf } from './attach-server.ts';

const database = await createDatabase();

/** A request that waits for `100 Continue` before it sends its body. */
async function ask(url: string, expectation: string) {
  const asked = request(url, { method: 'POST', headers: { expect: expectation } });
  const told = vi.fn();
  asked.on('continue', () => {
    told();
    asked.end('{}');
  });
  asked.flushHeaders();
  const [response] = await once<[IncomingMessage]>(asked, 'response');
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  asked.destroy();
  return { status: response.statusCode, continued: told.mock.calls.length, text };
}

async function start(listeners: (server: Server) => void): Promise<string> {
  const server = serverOf((_request, response) => response.end('the application'));
  listeners(server);
  await attachTo(server, database);
  return listen(server);
}

it('an application’s listener of `Expect: 100-continue` gets its own requests, and none of ours', async () => {
  const seen: unknown[] = [];
  const url = await start((server) =>
    server.on('checkContinue', (asked, response) => {
      seen.push(asked.url);
      response.writeContinue();
      response.end('the application, asked first');
    }),
  );
  expect(await ask(`${url}/orders`, '100-continue')).toMatchObject({
    text: 'the application, asked first',
    continued: 1,
  });
  const ours = await ask(`${url}/commitcast/v1/nothing`, '100-continue');
  expect(ours).toMatchObject({ status: 404, continued: 1 });
  expect(JSON.parse(ours.text)).toMatchObject({ error: { code: 'NOT_FOUND' } });
  const polling = await ask(`${url}/socket.io/?EIO=4&transport=polling`, '100-continue');
  // Engine.IO, for a POST without a session: code 2 is a handshake that is no GET.
  expect(JSON.parse(polling.text)).toMatchObject({ code: 2 });
  expect(seen).toEqual(['/orders']);
});

it('another expectation, where the application has a listener for those: ours is answered as Node does it', async () => {
  const seen: unknown[] = [];
  const url = await start((server) =>
    server.on('checkExpectation', (asked, response) => {
      seen.push(asked.url);
      response.end('the application expects anything');
    }),
  );
  expect((await ask(`${url}/orders`, 'tea')).text).toBe('the application expects anything');
  expect((await ask(`${url}/commitcast/health/live`, 'tea')).status).toBe(417);
  expect(seen).toEqual(['/orders']);
});

it('without such listeners nothing is different: Node says `continue`, and both get their own', async () => {
  const url = await start(() => undefined);
  expect(await ask(`${url}/orders`, '100-continue')).toMatchObject({
    text: 'the application',
    continued: 1,
  });
  expect(await ask(`${url}/commitcast/v1/nothing`, '100-continue')).toMatchObject({
    status: 404,
    continued: 1,
  });
});

import { expect, it } from 'vitest';
import { freePort } from '../../src/embedded/free-port.ts';
import { makeFolder, startCli } from '../support/cli.ts';
import { createDatabase } from '../support/database.ts';
import { secret } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const database = await createDatabase();

async function serve(env: Record<string, string>) {
  const port = String(await freePort());
  const server = startCli(['serve'], {
    cwd: await makeFolder(),
    env: { DATABASE_URL: database.url, JWT_SECRET: secret, PORT: port, LOG_LEVEL: 'trace', ...env },
  });
  const health = await until(async () => {
    const response = await fetch(`http://127.0.0.1:${port}/health/ready`);
    return { status: response.status, text: await response.text() };
  });
  server.child.kill('SIGTERM');
  expect(await server.ended).toBe(0);
  return { health, told: server.stdout() + server.stderr() };
}

it('a Redis that is named is chosen, with the reason; away, it is told once; its password never', async () => {
  const { health, told } = await serve({ REDIS_URL: `redis://:hunter2@127.0.0.1:${await freePort()}` });
  expect(health.status).toBe(200);
  expect(JSON.parse(health.text)).toMatchObject({ adapter: { name: 'redis', state: 'unreachable' } });
  expect(told).toContain('"adapter":"redis","reason":"a Redis is named"');
  expect(told.match(/Redis is unreachable/g)).toHaveLength(1);
  expect(told + health.text).not.toContain('hunter2');
});

it('memory warns that others will not hear', async () => {
  const { told } = await serve({ COMMITCAST_ADAPTER: 'memory' });
  expect(told).toMatch(/"level":40.*"adapter":"memory".*other instances will not hear of this one/);
});

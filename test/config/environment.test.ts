import { describe, expect, it } from 'vitest';
import { decideMode } from '../../src/cli/mode.ts';
import { readEnvironment } from '../../src/config/environment.ts';
import { settings } from '../../src/config/settings.ts';

const secret = 'x'.repeat(32);
const database = 'postgres://app:hunter2@db/app';

describe('readEnvironment', () => {
  it('has a default for everything', () => {
    expect(readEnvironment({})).toMatchObject({ port: 3000, relay: true, migrate: true, logLevel: 'info' });
    expect(readEnvironment({ PORT: '', COMMITCAST_RELAY: 'off' })).toMatchObject({
      port: 3000,
      relay: false,
    });
  });

  it('says all problems in one error, and quotes no value', () => {
    const wrong = {
      PORT: '70000',
      DATABASE_URL: 'mysql://app:hunter2@db',
      JWT_SECRET: 'hunter2',
      COMMITCAST_RELAY: 'maybe',
      COMMITCAST_ADAPTR: 'postgres',
      COMMITCAST_CORS_ORIGIN: 'https://app.example.com/path',
    };
    const problems = refusal(() => readEnvironment(wrong));
    for (const variable of Object.keys(wrong)) expect(problems.message).toContain(variable);
    expect(problems.code).toBe('CONFIG_INVALID');
    expect(problems.message).not.toContain('hunter2');
  });

  it('takes every level of the log that its description and its refusal name, and no other', () => {
    const { message } = refusal(() => readEnvironment({ LOG_LEVEL: 'verbose' }));
    const refused = /must be one of ([\w, ]+)$/.exec(message)?.[1]?.split(', ') ?? [];
    const described = [...settings.logLevel.description.matchAll(/`(\w+)`/g)].map(([, level = '']) => level);
    expect(new Set(described)).toEqual(new Set(refused));
    // As pino has them: what is taken at the start must not be refused by the server's logger.
    expect(refused).toEqual(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);
    for (const level of refused) expect(readEnvironment({ LOG_LEVEL: level }).logLevel).toBe(level);
  });

  it('takes exactly one key', () => {
    const keys = { JWT_SECRET: secret, JWT_JWKS_URL: 'https://id.example.com/jwks' };
    expect(refusal(() => readEnvironment(keys)).message).toContain('exactly one key');
  });
});

const decide = (
  env: Record<string, string>,
  flags: { demo?: boolean; demoIntoThisDatabase?: boolean } = {},
) =>
  decideMode(
    readEnvironment(env),
    { demo: false, demoIntoThisDatabase: false, ...flags },
    env['NODE_ENV'] === 'production',
  );

describe('decideMode', () => {
  it('with nothing named is for development, on this machine only', () => {
    expect(decide({})).toEqual({ embedded: true, ownKey: true, development: true, host: '127.0.0.1' });
  });

  it('with a database and a key serves everybody', () => {
    const env = { DATABASE_URL: database, JWT_SECRET: secret, NODE_ENV: 'production' };
    expect(decide(env)).toEqual({ embedded: false, ownKey: false, development: false, host: '0.0.0.0' });
  });

  it.each([
    [
      'a key without a database in production',
      { JWT_SECRET: secret, NODE_ENV: 'production' },
      {},
      'DATABASE_REQUIRED',
    ],
    ['nothing in production', { NODE_ENV: 'production' }, {}, 'DATABASE_REQUIRED'],
    ['a database without a key', { DATABASE_URL: database }, {}, 'JWT_KEY_REQUIRED'],
    ['the demo in production', { NODE_ENV: 'production' }, { demo: true }, 'DEMO_REFUSED'],
    [
      'the demo in a named database',
      { DATABASE_URL: database, JWT_SECRET: secret },
      { demo: true },
      'DEMO_REFUSED',
    ],
  ])('refuses %s', (_case, env, flags, code) => {
    expect(refusal(() => decide(env, flags)).code).toBe(code);
  });

  it('lets the demo into a named database when told so', () => {
    expect(decide({ DATABASE_URL: database }, { demo: true, demoIntoThisDatabase: true })).toMatchObject({
      embedded: false,
      ownKey: true,
      host: '127.0.0.1',
    });
  });
});

function refusal(attempt: () => unknown): { code: string; message: string } {
  try {
    attempt();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('it was not refused');
}

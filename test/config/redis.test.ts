import { describe, expect, it } from 'vitest';
import { chooseAdapter } from '../../src/cli/adapter-choice.ts';
import { readEnvironment } from '../../src/config/environment.ts';
import { settings } from '../../src/config/settings.ts';

const problemsOf = (env: Record<string, string>): string => {
  try {
    readEnvironment(env);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
};

describe('which Redis', () => {
  it.each<[string, Record<string, string>, string | undefined]>([
    ['REDIS_URL', { REDIS_URL: 'rediss://app:hunter2@redis:6380/1' }, 'rediss://app:hunter2@redis:6380/1'],
    ['REDIS_HOST alone', { REDIS_HOST: 'redis' }, 'redis://redis:6379'],
    ['host and port', { REDIS_HOST: '10.0.0.7', REDIS_PORT: '6380' }, 'redis://10.0.0.7:6380'],
    ['an IPv6 host', { REDIS_HOST: '::1' }, 'redis://[::1]:6379'],
    ['both', { REDIS_URL: 'redis://one', REDIS_HOST: 'two' }, 'redis://one'],
    ['a port alone', { REDIS_PORT: '6380' }, undefined],
    // Kubernetes, beside a service named redis.
    [
      'a port of Kubernetes',
      { REDIS_PORT: 'tcp://10.0.0.7:6379', REDIS_HOST: 'redis' },
      'redis://redis:6379',
    ],
    ['nothing', { REDIS_URL: '' }, undefined],
  ])('%s', (_case, env, redisUrl) => {
    expect(readEnvironment(env).redisUrl).toBe(redisUrl);
  });

  it.each<[string, Record<string, string>]>([
    ['REDIS_URL', { REDIS_URL: 'http://:hunter2@redis' }],
    ['REDIS_URL', { REDIS_URL: 'redis://:hunter2@' }],
    ['REDIS_URL', { REDIS_URL: 'redis://:hunter2@redis/first' }],
    ['REDIS_URL', { REDIS_URL: 'redis://:hunter2%zz@redis' }],
    ['REDIS_HOST', { REDIS_HOST: 'hunter2@redis' }],
    ['REDIS_HOST', { REDIS_HOST: 'redis:hunter2' }],
    ['REDIS_PORT', { REDIS_HOST: 'redis', REDIS_PORT: '0' }],
    ['COMMITCAST_ADAPTER', { COMMITCAST_ADAPTER: 'redis' }],
  ])('%s of %j is a problem that is said, without its value', (variable, env) => {
    const problems = problemsOf(env);
    expect(problems).toContain(variable);
    expect(problems).not.toContain('hunter2');
  });

  it('is a secret', () => {
    expect(settings.redisUrl.secret).toBe(true);
  });
});

const redisUrl = 'redis://:hunter2@redis';

describe('chooseAdapter', () => {
  it.each<[string, Record<string, string>, embedded: boolean, ReturnType<typeof chooseAdapter>]>([
    [
      'redis if one is named',
      { REDIS_URL: redisUrl },
      false,
      { name: 'redis', redisUrl, reason: 'a Redis is named' },
    ],
    [
      'also with an embedded database',
      { REDIS_URL: redisUrl },
      true,
      { name: 'redis', redisUrl, reason: 'a Redis is named' },
    ],
    [
      'else postgres',
      {},
      false,
      { name: 'postgres', redisUrl: undefined, reason: 'other instances may share the database' },
    ],
    [
      'memory for an embedded database',
      {},
      true,
      {
        name: 'memory',
        redisUrl: undefined,
        reason: 'an embedded database has no other instance beside this one',
      },
    ],
    [
      'what it is told, whatever is named',
      { REDIS_URL: redisUrl, COMMITCAST_ADAPTER: 'postgres' },
      true,
      { name: 'postgres', redisUrl: undefined, reason: 'COMMITCAST_ADAPTER says so' },
    ],
    [
      'redis when told so',
      { REDIS_HOST: 'redis', COMMITCAST_ADAPTER: 'redis' },
      false,
      { name: 'redis', redisUrl: 'redis://redis:6379', reason: 'COMMITCAST_ADAPTER says so' },
    ],
  ])('%s', (_case, env, embedded, choice) => {
    expect(chooseAdapter(readEnvironment(env), { embedded })).toEqual(choice);
  });
});

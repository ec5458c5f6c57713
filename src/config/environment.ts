import { CommitcastError } from '../core/errors.ts';
import { redisUrlOf, settings, type Settings } from './settings.ts';

/**
 * Reads the settings from an environment; an empty variable counts as absent.
 *
 * @throws {CommitcastError} `CONFIG_INVALID` with every problem in one message; values are not quoted, they may be secret
 */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Readonly<Settings> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, { variable, schema }] of Object.entries(settings)) {
    const text = env[variable];
    const result = schema.safeParse(text === undefined || text === '' ? undefined : text);
    if (result.success) values[name] = result.data;
    else problems.push(...result.error.issues.map(({ message }) => `${variable} ${message}`));
  }
  const keys = (['jwtSecret', 'jwtPublicKey', 'jwtJwksUrl'] as const).filter(
    (name) => env[settings[name].variable],
  );
  if (keys.length > 1) {
    problems.push(
      `${keys.map((name) => settings[name].variable).join(' and ')} are set: tokens are verified with exactly one key`,
    );
  }
  const { redisHost, redisPort, adapter } = values as Partial<Settings>;
  if (redisHost !== undefined) values['redisUrl'] ??= redisUrlOf(redisHost, redisPort);
  if (adapter === 'redis' && !env['REDIS_URL'] && !env['REDIS_HOST'])
    problems.push('COMMITCAST_ADAPTER is redis, and neither REDIS_URL nor REDIS_HOST names one');
  const known = new Set<string>(Object.values(settings).map(({ variable }) => variable));
  for (const variable of Object.keys(env)) {
    if (variable.startsWith('COMMITCAST_') && !known.has(variable))
      problems.push(`${variable} is no setting of this version`);
  }
  if (problems.length > 0) throw new CommitcastError('CONFIG_INVALID', problems.join('\n'));
  return Object.freeze(values as Settings);
}

import { limitsOption, type LimitName, type Limits } from '../config/limits.ts';
import { CommitcastError } from '../core/errors.ts';

const names = [
  'addressConnectsPerMinute',
  'userConnectsPerMinute',
  'userSessions',
  'orgSessions',
  'packetsPerSecond',
] as const satisfies readonly LimitName[];

/** Those limits that mean something where nothing of the log is delivered. How large a packet may be, the server says. */
export interface SocketAuthLimits {
  /** Whole numbers, or `Infinity`. Default: those of the plugin. */
  limits?: Partial<Pick<Limits, (typeof names)[number]>> | undefined;
  /** Proxies in front that add to X-Forwarded-For. Default: 0. */
  proxyHops?: number | undefined;
}

/** With the defaults. @throws {CommitcastError} `CONFIG_INVALID` */
export function resolveSocketAuthLimits({ limits = {}, proxyHops = 0 }: SocketAuthLimits): {
  limits: Limits;
  proxyHops: number;
} {
  const unknown = Object.keys(limits).filter((name) => !(names as readonly string[]).includes(name));
  if (unknown.length > 0)
    throw new CommitcastError('CONFIG_INVALID', `limits: ${unknown.join(', ')}: one of ${names.join(', ')}`);
  const parsed = limitsOption.safeParse(limits);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `limits.${path.join('.')}: ${message}`);
    throw new CommitcastError('CONFIG_INVALID', problems.join('\n'));
  }
  if (!Number.isSafeInteger(proxyHops) || proxyHops < 0)
    throw new CommitcastError('CONFIG_INVALID', 'proxyHops: must be a whole number from 0');
  return { limits: parsed.data, proxyHops };
}

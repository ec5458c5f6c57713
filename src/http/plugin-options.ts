import type { Pool } from 'pg';
import { z } from 'zod';
import { limitsOption, type Limits } from '../config/limits.ts';
import { isRedisUrl, redisUrlProblem, retention } from '../config/settings.ts';
import { CommitcastError } from '../core/errors.ts';
import { addressOfPool, type DatabaseAddress } from '../db/connection.ts';
import { adapterNames, type AdapterName } from '../fanout/attach-adapter.ts';
import type { IdentityOptions } from '../gateway/setup-socket-auth.ts';

/** Options of the Fastify plugin. Unknown ones are refused. */
export interface CommitcastOptions extends IdentityOptions {
  /** The database, one of three: its address; a `pg` pool, or a drizzle database over one, whose address is taken. */
  databaseUrl?: string | undefined;
  pool?: Pool | undefined;
  db?: { $client: Pool } | undefined;
  /**
   * How instances reach each other. Default: `redis` if `redisUrl` is given, else `postgres`. `memory`: this instance
   * is alone.
   */
  adapter?: AdapterName | undefined;
  /** Which Redis, as `redis://:secret@host:6379`, or `rediss://` for TLS. For the adapter `redis`, and only for it. */
  redisUrl?: string | undefined;
  /** Whether this instance may lead. Default: `true`. */
  relay?: boolean | undefined;
  /** Whether the schema is brought up to date at the start, or only checked. Default: `true`. */
  migrate?: boolean | undefined;
  /**
   * How long events are kept at least, such as `30d` or `12h`, or in milliseconds; then whole partitions of the log are
   * dropped. The database role must own the log. Default: `forever`.
   */
  retention?: string | number | undefined;
  /**
   * How long the keys of `append` and `once` are kept, in the same form: who retries later than that is taken for new.
   * Default: `30d`.
   */
  keyRetention?: string | number | undefined;
  /** Whether `GET /metrics` is served. Default: `true`; `false` for an application that has one of its own. */
  metrics?: boolean | undefined;
  /** Origins of pages that may open sockets from elsewhere. Default: none. */
  corsOrigin?: readonly string[] | undefined;
  /** What one client, user or org may take of an instance: a whole number each, `Infinity` for no limit. See SECURITY.md. */
  limits?: Partial<Limits> | undefined;
  /** Proxies in front that add to X-Forwarded-For, for `limits.addressConnectsPerMinute`. Default: 0. */
  proxyHops?: number | undefined;
  /**
   * Whether whoever asks from this machine may see metrics and status without a token. Not with a proxy on this machine that
   * does not say whom it asks for. Default: `false`.
   */
  localOperator?: boolean | undefined;
  /** Bytes of recent events kept in memory for sessions that come back. At least 65,536; default: 8 MiB. */
  tailBytes?: number | undefined;
  /** Milliseconds of silence after which a session's cursor is moved on. Default: 30,000. */
  checkpointIntervalMs?: number | undefined;
}

/** As many days as the settings take. */
const maxRetentionMs = 99_999 * 86_400_000;

const callback = z.custom<(...values: never[]) => unknown>(
  (value) => typeof value === 'function',
  'must be a function',
);
const poolLike = z.custom<Pool>(
  (value) =>
    typeof (value as Pool | null)?.connect === 'function' && typeof (value as Pool).options === 'object',
  'must be a pool of pg',
);

const schema = z
  .strictObject({
    databaseUrl: z.string().min(1).optional(),
    pool: poolLike.optional(),
    db: z
      .custom<{ $client: Pool }>(
        (value) => poolLike.safeParse((value as { $client?: unknown } | null)?.$client).success,
        'must be a drizzle database over a pool of pg (with an address that is undefined, drizzle makes none)',
      )
      .optional(),
    jwt: z
      .strictObject({
        secret: z.string().optional(),
        publicKey: z.string().optional(),
        jwksUrl: z.string().optional(),
        issuer: z.string().optional(),
        audience: z.string().optional(),
      })
      .optional(),
    identify: callback.optional(),
    verifyAccessToken: callback.optional(),
    getUserPrimaryOrganization: callback.optional(),
    getUserOrganization: callback.optional(),
    authorize: callback.optional(),
    adapter: z.enum(adapterNames).optional(),
    redisUrl: z.string().refine(isRedisUrl, redisUrlProblem).optional(),
    relay: z.boolean().default(true),
    migrate: z.boolean().default(true),
    metrics: z.boolean().default(true),
    retention: retention.or(z.int().positive().max(maxRetentionMs)).optional(),
    keyRetention: retention.or(z.int().positive().max(maxRetentionMs)).prefault('30d'),
    corsOrigin: z.array(z.string()).readonly().optional(),
    limits: limitsOption,
    proxyHops: z.int().min(0).max(10).default(0),
    localOperator: z.boolean().default(false),
    tailBytes: z
      .int()
      .min(64 * 1024)
      .default(8 * 1024 * 1024),
    checkpointIntervalMs: z.int().min(100).default(30_000),
  })
  .refine(
    ({ databaseUrl, pool, db }) =>
      [databaseUrl, pool, db].filter((given) => given !== undefined).length === 1,
    {
      error: 'exactly one of databaseUrl, pool and db is needed',
    },
  )
  .refine(
    ({ adapter, redisUrl }) => adapter === undefined || (adapter === 'redis') === (redisUrl !== undefined),
    { error: 'redisUrl is needed for the adapter redis, and for no other' },
  );

/** @throws {CommitcastError} `CONFIG_INVALID` with every problem in one message */
export function resolvePluginOptions(options: CommitcastOptions) {
  const result = schema.safeParse(options);
  if (!result.success) {
    const problems = result.error.issues.map(({ path, message }) =>
      path.length > 0 ? `${path.join('.')}: ${message}` : message,
    );
    throw new CommitcastError('CONFIG_INVALID', problems.join('\n'));
  }
  const { redisUrl, relay, migrate, metrics, tailBytes, checkpointIntervalMs } = result.data;
  const { retention: retentionMs, keyRetention: keyRetentionMs } = result.data;
  const { limits, proxyHops, localOperator } = result.data;
  const adapter = result.data.adapter ?? (redisUrl === undefined ? 'postgres' : 'redis');
  return Object.freeze({
    // The functions keep their declared types.
    ...(options as IdentityOptions),
    ...addressOf(options),
    corsOrigin: options.corsOrigin,
    adapter,
    redisUrl,
    relay,
    migrate,
    metrics,
    retentionMs,
    keyRetentionMs,
    limits,
    proxyHops,
    localOperator,
    tailBytes,
    checkpointIntervalMs,
  });
}

function addressOf({ databaseUrl, pool, db }: CommitcastOptions): DatabaseAddress {
  const given = pool ?? db?.$client;
  return given ? addressOfPool(given) : { connectionString: databaseUrl };
}

import { z } from 'zod';
import { limitSettings } from './limits.ts';

/** One setting of the server: declared here once; environment, defaults and documentation derive from it. */
export interface Setting<Value = unknown> {
  readonly variable: string;
  readonly description: string;
  readonly schema: z.ZodType<Value, string | undefined>;
  /** Never shown. */
  readonly secret?: true;
}

const url = (protocols: string[]) =>
  z
    .string()
    .refine(
      (text) => URL.canParse(text) && protocols.includes(new URL(text).protocol),
      `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
    );

/** The address of a Redis: the scheme, a host, and nothing that its client would refuse later. */
export function isRedisUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, pathname, username, password } = new URL(text);
  try {
    decodeURIComponent(`${username}:${password}`);
  } catch {
    return false;
  }
  return ['redis:', 'rediss:'].includes(protocol) && hostname !== '' && /^(?:\/\d*)?$/.test(pathname);
}

export function redisUrlOf(host: string, port = 6379): string {
  return `redis://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

export const redisUrlProblem =
  'must be a URL that starts with redis:// or rediss://, as redis://:secret@host:6379';

const onOff = z.enum(['on', 'off'], 'must be "on" or "off"').transform((value) => value === 'on');

const portFrom = (least: number, problem: string) =>
  z
    .string()
    .regex(/^\d{1,5}$/, problem)
    .transform(Number)
    .refine((value) => value >= least && value <= 65_535, problem);

const port = portFrom(0, 'must be a port from 0 to 65535; 0: a free one');

/** Kubernetes sets REDIS_PORT to `tcp://…` beside any service that is named redis: that is not meant for us. */
const redisPort = z
  .string()
  .transform((text) => (text.startsWith('tcp://') ? undefined : text))
  .pipe(portFrom(1, 'must be a port from 1 to 65535').optional());

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** How long something is kept, in milliseconds; `undefined`: for ever. */
export const retention = z
  .string()
  .regex(/^(?:forever|[1-9]\d{0,4}[smhd])$/, 'must be "forever", or a duration such as "30d" or "12h"')
  .transform((text) =>
    text === 'forever' ? undefined : parseInt(text, 10) * unitMs[text.at(-1) as keyof typeof unitMs],
  );

/** `*`, or a list of origins. */
const origins = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .refine(
    (list) =>
      list.every((origin) => origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin)),
    'must be "*" or origins separated by commas, as https://app.example.com',
  );

/** Those of pino, from the most to the least talkative. */
const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const inQuotes = (word: string) => `\`${word}\``;

export const settings = {
  databaseUrl: {
    variable: 'DATABASE_URL',
    description: 'Postgres 14 or newer. Without it, `serve` brings an embedded one.',
    schema: url(['postgres:', 'postgresql:']).optional(),
    secret: true,
  },
  databaseDirectUrl: {
    variable: 'DATABASE_DIRECT_URL',
    description: 'The same database without the transaction pooler, when DATABASE_URL goes through one.',
    schema: url(['postgres:', 'postgresql:']).optional(),
    secret: true,
  },
  host: {
    variable: 'HOST',
    description:
      'Address to listen on. Default: 127.0.0.1 in development, 0.0.0.0 with a database and a key.',
    schema: z.string().optional(),
  },
  port: { variable: 'PORT', description: 'Port to listen on. Default: 3000.', schema: port.default(3000) },
  adapter: {
    variable: 'COMMITCAST_ADAPTER',
    description:
      'How instances reach each other: `postgres`, `redis`, or `memory` for one instance alone. Default: `redis` if a Redis is named, else `postgres`; `memory` beside the embedded database.',
    schema: z.enum(['postgres', 'redis', 'memory'], 'must be "postgres", "redis" or "memory"').optional(),
  },
  redisUrl: {
    variable: 'REDIS_URL',
    description: 'Redis that takes doorbells and ephemeral messages between instances. `rediss://` for TLS.',
    schema: z.string().refine(isRedisUrl, redisUrlProblem).optional(),
    secret: true,
  },
  redisHost: {
    variable: 'REDIS_HOST',
    description: 'The same Redis by its host, when it wants no password. REDIS_URL goes before it.',
    schema: z
      .string()
      .refine(
        (host) => /^[\w.:-]+$/.test(host) && isRedisUrl(redisUrlOf(host)),
        'must be the name or the address of a host',
      )
      .optional(),
  },
  redisPort: {
    variable: 'REDIS_PORT',
    description: 'Port on REDIS_HOST. Default: 6379.',
    schema: redisPort.optional(),
  },
  relay: {
    variable: 'COMMITCAST_RELAY',
    description: '`off`: this instance never leads; another one reads the log for it. Default: `on`.',
    schema: onOff.default(true),
  },
  migrate: {
    variable: 'COMMITCAST_MIGRATE',
    description: '`off`: the schema is only checked at the start. Default: `on`.',
    schema: onOff.default(true),
  },
  retention: {
    variable: 'COMMITCAST_RETENTION',
    description:
      'How long events are kept at least, such as `30d` or `12h`; then whole partitions of the log are dropped. Default: `forever`.',
    schema: retention.optional(),
  },
  keyRetention: {
    variable: 'COMMITCAST_KEY_RETENTION',
    description:
      'How long the keys of `append` and `once` are kept: who retries later than that is taken for new. `forever`, or such as `12h`. Default: `30d`.',
    schema: retention.prefault('30d'),
  },
  corsOrigin: {
    variable: 'COMMITCAST_CORS_ORIGIN',
    description:
      'Origins of pages that may connect from elsewhere, separated by commas, or `*`. Default: none.',
    schema: origins.optional(),
  },
  ...limitSettings,
  proxyHops: {
    variable: 'COMMITCAST_PROXY_HOPS',
    description:
      'Proxies in front of this instance that add to X-Forwarded-For: so many of its last entries are believed, for COMMITCAST_ADDRESS_CONNECTS_PER_MINUTE. Default: 0.',
    schema: z
      .string()
      .regex(/^(?:\d|10)$/, 'must be a whole number from 0 to 10')
      .transform(Number)
      .default(0),
  },
  localOperator: {
    variable: 'COMMITCAST_LOCAL_OPERATOR',
    description:
      'Metrics and status want a token whose role is `admin`. `on`: or a request from this machine, which is also one that a proxy on it passes on without saying so. Default: `on` in development and for the demo, else `off`.',
    schema: onOff.optional(),
  },
  jwtSecret: {
    variable: 'JWT_SECRET',
    description:
      'HS256 secret of at least 32 bytes. Exactly one of JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URL.',
    schema: z
      .string()
      .refine((text) => Buffer.byteLength(text) >= 32, 'must have at least 32 bytes')
      .optional(),
    secret: true,
  },
  jwtPublicKey: {
    variable: 'JWT_PUBLIC_KEY',
    description: 'Public key that verifies tokens: PEM (SPKI); its kind decides the algorithms.',
    schema: z.string().includes('-----BEGIN', 'must be a PEM').optional(),
  },
  jwtJwksUrl: {
    variable: 'JWT_JWKS_URL',
    description: 'Address of a JWKS document whose keys verify tokens.',
    schema: url(['https:', 'http:']).optional(),
  },
  jwtIssuer: {
    variable: 'JWT_ISSUER',
    description: 'When set, `iss` must be this.',
    schema: z.string().optional(),
  },
  jwtAudience: {
    variable: 'JWT_AUDIENCE',
    description: 'When set, `aud` must have this.',
    schema: z.string().optional(),
  },
  logLevel: {
    variable: 'LOG_LEVEL',
    description: `${logLevels.slice(0, -1).map(inQuotes).join(', ')} or \`silent\`, which says nothing. Default: \`info\`; of a server in development and for the demo \`warn\`.`,
    schema: z.enum(logLevels, `must be one of ${logLevels.join(', ')}`).default('info'),
  },
} as const satisfies Record<string, Setting>;

export type Settings = {
  -readonly [Name in keyof typeof settings]: z.output<(typeof settings)[Name]['schema']>;
};

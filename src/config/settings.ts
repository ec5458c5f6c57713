import { z } from 'zod';

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

const onOff = z.enum(['on', 'off'], 'must be "on" or "off"').transform((value) => value === 'on');

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port from 0 to 65535; 0: a free one')
  .transform(Number)
  .refine((value) => value <= 65_535, 'must be a port from 0 to 65535; 0: a free one');

/** `*`, or a list of origins. */
const origins = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .refine(
    (list) =>
      list.every((origin) => origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin)),
    'must be "*" or origins separated by commas, as https://app.example.com',
  );

export const settings = {
  databaseUrl: {
    variable: 'DATABASE_URL',
    description: 'Postgres 15 or newer. Without it, `serve` brings an embedded one.',
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
    description: 'How instances reach each other: `postgres` (default), or `memory` for one instance alone.',
    schema: z.enum(['postgres', 'memory'], 'must be "postgres" or "memory"').optional(),
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
  corsOrigin: {
    variable: 'COMMITCAST_CORS_ORIGIN',
    description:
      'Origins of pages that may connect from elsewhere, separated by commas, or `*`. Default: none.',
    schema: origins.optional(),
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
    description: '`debug`, `info` (default), `warn`, `error` or `silent`.',
    schema: z
      .enum(
        ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
        'must be a level from "debug" to "silent"',
      )
      .default('info'),
  },
} as const satisfies Record<string, Setting>;

export type Settings = {
  -readonly [Name in keyof typeof settings]: z.output<(typeof settings)[Name]['schema']>;
};

import type { CodeRule } from './code-rule.ts';
import { logCodes } from './log-codes.ts';

/** The one table of codes. Server, client and documentation read it from here; callers match on the key. */
export const codes = {
  ...logCodes,
  TOKEN_REQUIRED: {
    meaning: 'Authentication token required',
    retry: false,
    remedy: 'Send a JWT as `auth.token` of the handshake, or as `Authorization: Bearer` over HTTP.',
    status: 401,
  },
  TOKEN_INVALID: {
    meaning: 'The token is malformed, signed by another key, or meant for another issuer or audience',
    retry: false,
    remedy: 'Get a new token from the application that signs them.',
    status: 401,
  },
  TOKEN_EXPIRED: {
    meaning: 'The token is past its `exp`',
    retry: false,
    remedy: 'Get a new token, then connect again.',
    status: 401,
  },
  ORG_REQUIRED: {
    meaning: 'The token names no organization and its user has no membership',
    retry: false,
    remedy: 'Put `org_id` into the token, or give the user a membership.',
    status: 403,
  },
  ORG_FORBIDDEN: {
    meaning: 'The organization asked for is not one of this user',
    retry: false,
    remedy: 'Ask for an organization of the user, or for none.',
    status: 403,
  },
  CURSOR_INVALID: {
    meaning: 'The cursor is not of the form <epoch>-<position>',
    retry: false,
    remedy: 'Send back a cursor exactly as the server gave it, or none.',
    status: 400,
  },
  PROTOCOL_UNSUPPORTED: {
    meaning: 'This server does not speak the version of the wire that the handshake names',
    retry: false,
    remedy: 'Use a version of the client that speaks one of those in `supported`, or a newer server.',
    status: 400,
  },
  RATE_LIMITED: {
    meaning: 'Too many attempts in a short time',
    retry: true,
    remedy: 'Wait, then try again with a growing, jittered delay.',
    status: 429,
  },
  SUBSCRIPTION_INVALID: {
    meaning: 'The subscription is not one of {}, { deep: true }, { site }, { site, deep }, { unit }',
    retry: false,
    remedy: 'Send one of those shapes, with ids of 1 to 128 characters of A-Z a-z 0-9 . _ ~ -',
    status: 400,
  },
  SUBSCRIPTION_DENIED: {
    meaning: 'This identity may not see that scope',
    retry: false,
    remedy: 'Ask for a scope that the token, or the membership, allows.',
    status: 403,
  },
  LIMIT_INVALID: {
    meaning: 'A query parameter is not of the form that the endpoint takes',
    retry: false,
    remedy: 'Correct the parameter that the message names.',
    status: 400,
  },
  SLOW_CONSUMER: {
    meaning: 'The client did not read what was sent for too long',
    retry: true,
    remedy: 'Connect again with the last cursor; nothing is lost.',
    status: 503,
  },
  RIGHTS_CHANGED: {
    meaning: "The user's rights, or the history that they were read from, have changed",
    retry: true,
    remedy: 'Connect again with the last cursor; what may be seen is decided anew.',
    status: 503,
  },
  SHUTTING_DOWN: {
    meaning: 'This instance is stopping',
    retry: true,
    remedy: 'Connect again with the last cursor; another instance, or the next start, goes on from there.',
    status: 503,
  },
  UNAVAILABLE: {
    meaning: 'The database cannot be reached at this moment',
    retry: true,
    remedy: 'Wait, then try again; delivery goes on by itself when the database is back.',
    status: 503,
  },
  ADMIN_REQUIRED: {
    meaning: 'This is for operators',
    retry: false,
    remedy: 'Ask from the machine that the instance runs on, or with a token whose role is `admin`.',
    status: 403,
  },
  NOT_FOUND: {
    meaning: 'There is nothing at this address',
    retry: false,
    remedy: 'Check the address.',
    status: 404,
  },
  INTERNAL: {
    meaning: 'The server met an error that it did not expect',
    retry: true,
    remedy: 'Try again; the log of the server has the cause.',
    status: 500,
  },
  CONFIG_INVALID: {
    meaning: 'The configuration has one or more problems',
    retry: false,
    remedy: 'Correct every problem that the message lists.',
    status: 500,
  },
  DATABASE_REQUIRED: {
    meaning: 'No database is named',
    retry: false,
    remedy: 'Set DATABASE_URL.',
    status: 500,
  },
  JWT_KEY_REQUIRED: {
    meaning: 'A database is named, but no key to verify tokens with',
    retry: false,
    remedy: 'Set exactly one of JWT_SECRET, JWT_PUBLIC_KEY and JWT_JWKS_URL.',
    status: 500,
  },
  SCHEMA_TOO_NEW: {
    meaning: 'The database was migrated by a newer version of Commitcast',
    retry: false,
    remedy: 'Run that version, or a newer one.',
    status: 500,
  },
  SCHEMA_MISSING: {
    meaning: 'The database has no Commitcast schema, or an older one',
    retry: false,
    remedy: 'Run `commitcast migrate`, or unset COMMITCAST_MIGRATE=off.',
    status: 500,
  },
  DATABASE_POOLED: {
    meaning: 'The database address leads to a pooler that lends a connection for one transaction only',
    retry: false,
    remedy: 'Set DATABASE_DIRECT_URL (the plugin: `databaseUrl`) to the address of the database itself.',
    status: 500,
  },
  ALREADY_RUNNING: {
    meaning: 'Another `commitcast serve` runs in this folder',
    retry: false,
    remedy: 'Use that one, or stop it first.',
    status: 500,
  },
  PORT_IN_USE: {
    meaning: 'The port is taken by another process',
    retry: false,
    remedy: 'Choose another with PORT, or stop the other process.',
    status: 500,
  },
  EMBEDDED_UNAVAILABLE: {
    meaning: 'The embedded Postgres cannot run here',
    retry: false,
    remedy: 'Set DATABASE_URL to a Postgres server, or see the cause in the message.',
    status: 500,
  },
  DEMO_REFUSED: {
    meaning: 'The demo does not run in production or in a database that was not made for it',
    retry: false,
    remedy: 'Unset DATABASE_URL, or pass --demo-into-this-database.',
    status: 500,
  },
  USAGE: {
    meaning: 'The command line is not one that the command takes',
    retry: false,
    remedy: 'See `commitcast help`.',
    status: 500,
  },
} as const satisfies Record<string, CodeRule>;

export type Code = keyof typeof codes;

import { z } from 'zod';

/**
 * What one client, user or org may take of an instance. Each instance counts for itself, in memory. The defaults are far
 * above what clients do that work, a storm of reconnects after a restart included: they stop what has run wild.
 */
const declared = {
  addressConnectsPerMinute: {
    variable: 'COMMITCAST_ADDRESS_CONNECTS_PER_MINUTE',
    description:
      'Handshakes and streams of one address in a minute (IPv6: of one /64), whoever asks. Default: `off`, since all who sit behind one proxy or one office have the same; see COMMITCAST_PROXY_HOPS.',
    byDefault: Infinity,
  },
  userConnectsPerMinute: {
    variable: 'COMMITCAST_USER_CONNECTS_PER_MINUTE',
    description: 'Handshakes and streams of one user of one org in a minute. Default: 12000.',
    byDefault: 12_000,
  },
  userReadsPerMinute: {
    variable: 'COMMITCAST_USER_READS_PER_MINUTE',
    description: 'Reads of history over HTTP of one user of one org in a minute. Default: 12000.',
    byDefault: 12_000,
  },
  userSessions: {
    variable: 'COMMITCAST_USER_SESSIONS',
    description: 'Sessions (sockets and streams) of one user of one org at a time. Default: 10000.',
    byDefault: 10_000,
  },
  orgSessions: {
    variable: 'COMMITCAST_ORG_SESSIONS',
    description: 'Sessions of one org at a time. Default: `off`.',
    byDefault: Infinity,
  },
  sessionRequestsPerMinute: {
    variable: 'COMMITCAST_SESSION_REQUESTS_PER_MINUTE',
    description: '`subscribe` and `authenticate` of one session in a minute. Default: 6000.',
    byDefault: 6_000,
  },
  packetsPerSecond: {
    variable: 'COMMITCAST_PACKETS_PER_SECOND',
    description: 'Packets that one connection sends in a second; with more it is closed. Default: 5000.',
    byDefault: 5_000,
  },
  packetBytes: {
    variable: 'COMMITCAST_PACKET_BYTES',
    description:
      'Bytes of one packet that a client sends, from 4096 on; a connection with a larger one is closed. Default: 262144.',
    byDefault: 256 * 1024,
  },
} as const satisfies Record<string, { variable: string; description: string; byDefault: number }>;

export type LimitName = keyof typeof declared;

/** `Infinity`: no limit. */
export type Limits = Readonly<Record<LimitName, number>>;

/** Memory has to be bounded; and a handshake with its token must fit. */
const leastPacketBytes = 4_096;

const isWhole = (value: unknown, least: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= least;

function isLimit(name: LimitName, value: unknown): value is number {
  return name === 'packetBytes' ? isWhole(value, leastPacketBytes) : value === Infinity || isWhole(value, 1);
}

const problemOf = (name: LimitName, none: string) =>
  name === 'packetBytes'
    ? `must be a whole number from ${leastPacketBytes}`
    : `must be a whole number from 1, or ${none}`;

function textSchema(name: LimitName) {
  const problem = problemOf(name, '"off"');
  return z
    .string()
    .regex(/^(?:off|\d{1,9})$/, problem)
    .transform((text) => (text === 'off' ? Infinity : Number(text)))
    .refine((value) => isLimit(name, value), problem)
    .default(declared[name].byDefault);
}

const names = Object.keys(declared) as LimitName[];

/** As settings of the server: one variable each, a whole number or `off`. */
export const limitSettings = Object.fromEntries(
  names.map((name) => {
    const { variable, description } = declared[name];
    return [name, { variable, description, schema: textSchema(name) }];
  }),
) as Record<
  LimitName,
  { readonly variable: string; readonly description: string; readonly schema: ReturnType<typeof textSchema> }
>;

/** As one option of the plugin: a whole number each, or `Infinity`. */
export const limitsOption = z
  .strictObject(
    Object.fromEntries(
      names.map((name) => [
        name,
        z
          .custom<number>((value) => isLimit(name, value), problemOf(name, 'Infinity'))
          .default(declared[name].byDefault),
      ]),
    ) as Record<LimitName, z.ZodDefault<z.ZodCustom<number, number>>>,
  )
  .prefault({});

export const defaultLimits: Limits = Object.freeze(limitsOption.parse({}));

/** The limits among all settings. */
export function limitsOf(settings: Limits): Limits {
  return Object.fromEntries(names.map((name) => [name, settings[name]])) as Record<LimitName, number>;
}

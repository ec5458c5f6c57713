import {
  anything,
  array,
  boolean,
  constant,
  constantFrom,
  dictionary,
  integer,
  jsonValue,
  letrec,
  nat,
  oneof,
  option,
  record,
  string,
  tuple,
  uint8Array,
  type Arbitrary,
} from 'fast-check';
import { malformedPackets } from '../gateway/malformed-packets.ts';
import { signToken, type Claims } from '../support/tokens.ts';

/** What JSON can say, as it would stand in a packet. */
const json = oneof(
  jsonValue(),
  jsonValue({ maxDepth: 6 }),
  constant({ __proto__: null }),
  constant(undefined),
);

/** One of our own kind, mostly, with some characters of it changed. */
function mutated(text: string): Arbitrary<string> {
  return array(tuple(nat(text.length), string({ maxLength: 3 })), { maxLength: 3 }).map((edits) =>
    edits.reduce((before, [at, put]) => before.slice(0, at) + put + before.slice(at + put.length), text),
  );
}

const cursor = oneof(
  tuple(string({ maxLength: 12 }), oneof(integer().map(String), string({ maxLength: 25 }))).map(
    ([a, b]) => `${a}-${b}`,
  ),
  mutated('h2ggkxf4-1'),
  constantFrom('aaaaaaaa-0', 'aaaaaaaa-99999999999999999999', 'aaaaaaaa--1', '-', ''),
);

const id = oneof(
  string({ maxLength: 6 }),
  string({ unit: 'binary', maxLength: 6 }),
  constantFrom('u1', '*', 's1:unit:u1', '__proto__', '../x', "x' or 1=1 --"),
);

export const subscription = oneof(
  json,
  record({ site: option(id), unit: option(id), deep: oneof(boolean(), json) }, { requiredKeys: [] }),
  dictionary(constantFrom('site', 'unit', 'deep', 'org', 'limit'), oneof(id, json)),
);

/** Claims that our own key has signed: the application that signs is trusted, but it may err. */
const claims = record(
  {
    sub: oneof(string(), json),
    org_id: oneof(constant('acme'), id, json),
    role: json,
    email: json,
    sites: oneof(array(id), json),
    units: oneof(array(id), json),
    iat: oneof(integer(), json),
    exp: oneof(integer(), constantFrom(2 ** 53, 1e300, -1), json),
    nbf: json,
  },
  { requiredKeys: [] },
);

/** Functions: signing takes a moment, and is asked for when the token is needed. */
export const token: Arbitrary<() => Promise<unknown>> = oneof(
  constant(() => signToken()),
  claims.map((each) => () => signToken(each as Claims).catch(() => 'unsignable')),
  // Who has no org is looked for in the database.
  oneof(string({ unit: 'binary' }), constantFrom('\u0000', '\ud800', ' ')).map(
    (sub) => () => signToken({ sub, org_id: undefined }).catch(() => 'unsignable'),
  ),
  json.map((value) => () => Promise.resolve(value)),
  tuple(nat(200), string({ maxLength: 2 })).map(([at, put]) => async () => {
    const valid = await signToken();
    return valid.slice(0, at) + put + valid.slice(at + put.length);
  }),
  constantFrom('eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.', 'a.b.c', '...', 'x'.repeat(20_000)).map(
    (text) => () => Promise.resolve(text),
  ),
);

export interface Handshake {
  token: () => Promise<unknown>;
  fields: Record<string, unknown>;
}

export const handshake: Arbitrary<Handshake> = record({
  token,
  fields: record(
    {
      org: oneof(constant('acme'), id, json),
      cursor: oneof(cursor, json),
      subscriptions: oneof(array(subscription, { maxLength: 5 }), json),
      protocol: json,
    },
    { requiredKeys: [] },
  ),
});

const header = string({ unit: 'grapheme-ascii', maxLength: 40 });

export interface HttpRequest {
  method: string;
  path: string;
  query: [string, string][];
  token: () => Promise<unknown>;
  headers: Record<string, string>;
}

export const httpRequest: Arbitrary<HttpRequest> = record({
  method: constantFrom('GET', 'GET', 'GET', 'HEAD'),
  path: constantFrom('/v1/events', '/v1/cursor', '/v1/events/stream', '/v1/status'),
  query: array(
    tuple(
      constantFrom(
        'site',
        'unit',
        'deep',
        'cursor',
        'until',
        'limit',
        'org',
        'subscription',
        'lastEventId',
        '__proto__',
      ),
      oneof(
        id,
        cursor,
        subscription.map((value) => JSON.stringify(value) ?? ''),
        integer().map(String),
        string(),
      ),
    ),
    { maxLength: 4 },
  ),
  token,
  headers: record(
    { 'last-event-id': header, 'x-forwarded-for': header, forwarded: header, origin: header, accept: header },
    { requiredKeys: [] },
  ),
});

/** What a WebSocket frame of a client may hold: our packets, bent; text; bytes. */
export const frame: Arbitrary<string | Buffer> = oneof(
  mutated('420["subscribe",{"unit":"u1"}]'),
  mutated('421["authenticate",{"token":"x"}]'),
  constantFrom(...Object.values(malformedPackets('40{}'))).chain(mutated),
  tuple(constantFrom('42', '43', '45', '46', '2', '3', '40'), string()).map(([type, text]) => type + text),
  string({ unit: 'binary', maxLength: 200 }),
  uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
);

const deep = letrec((tie) => ({
  node: oneof({ depthSize: 'large' }, constant(null), array(tie('node'), { maxLength: 2 })),
})).node;

/** Arguments of a request over a socket: as many as there are, of any kind that JSON has. */
export const values = array(oneof(subscription, deep, json), { maxLength: 3 });

/** Bytes in the place of an HTTP request. */
export const rawRequest = oneof(
  mutated('GET /v1/events?deep=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n\r\n'),
  mutated(
    'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  ),
  mutated(
    'POST /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n42[1]',
  ),
  anything().map(String),
);

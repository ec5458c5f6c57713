import { exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import type { CryptoKey, JWK, JWTPayload } from 'jose';

/** The HS256 secret of the tests, as `JWT_SECRET` would name it. */
export const secret = 'commitcast-tests-only-secret-0123456789';

export interface Claims extends JWTPayload {
  org_id?: string | undefined;
  role?: string | undefined;
  email?: string | undefined;
  profile_id?: string | undefined;
  sites?: string[] | undefined;
  units?: string[] | undefined;
}

export interface TokenOptions {
  /** Seconds from now until `exp`; negative: expired already; `null`: no `exp`. Default: an hour. */
  ttlSeconds?: number | null;
  /** Default: `secret` of this file. */
  key?: string | CryptoKey;
  /** Default: HS256. */
  algorithm?: string;
  /** `kid` of the header. */
  keyId?: string;
}

const user = { sub: 'user-1', org_id: 'acme' } satisfies Claims;

/** A token of `user-1` in `acme`, signed with the tests' secret, unless told otherwise. A claim set to `undefined` is left out. */
export function signToken(
  claims: Claims = {},
  { ttlSeconds = 3_600, key = secret, algorithm = 'HS256', keyId }: TokenOptions = {},
): Promise<string> {
  const header = { alg: algorithm, typ: 'JWT', ...(keyId === undefined ? {} : { kid: keyId }) };
  return new SignJWT(payload(claims, ttlSeconds))
    .setProtectedHeader(header)
    .sign(typeof key === 'string' ? new TextEncoder().encode(key) : key);
}

/** The forgery that says `alg: none`. */
export function unsignedToken(claims: Claims = {}): string {
  return new UnsecuredJWT(payload(claims, 3_600)).encode();
}

/** The same token with one claim changed, and the signature of the original. */
export function tamperedToken(token: string, claims: Claims): string {
  const [header, body = '', signature] = token.split('.');
  const original = JSON.parse(Buffer.from(body, 'base64url').toString()) as Claims;
  const changed = Buffer.from(JSON.stringify({ ...original, ...claims })).toString('base64url');
  return [header, changed, signature].join('.');
}

export interface SigningKeys {
  readonly algorithm: 'RS256' | 'ES256';
  /** As `JWT_PUBLIC_KEY` would name it. */
  readonly publicPem: string;
  /** As a JWKS would list it, with `kid` and `alg`. */
  readonly jwk: JWK;
  sign(claims?: Claims, options?: Omit<TokenOptions, 'key' | 'algorithm'>): Promise<string>;
}

export async function createSigningKeys(
  algorithm: 'RS256' | 'ES256',
  keyId = 'test-key',
): Promise<SigningKeys> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return {
    algorithm,
    publicPem: await exportSPKI(publicKey),
    jwk: { ...(await exportJWK(publicKey)), kid: keyId, alg: algorithm, use: 'sig' },
    sign: (claims, options) => signToken(claims, { keyId, ...options, key: privateKey, algorithm }),
  };
}

function payload(claims: Claims, ttlSeconds: number | null): JWTPayload {
  const now = Math.floor(Date.now() / 1_000);
  const expiry = ttlSeconds === null ? {} : { exp: now + ttlSeconds };
  return { ...user, iat: now, ...expiry, ...claims };
}

import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { CommitcastError } from '../core/errors.ts';

export interface TokenOptions {
  /** HS256 secret, at least 32 bytes. Exactly one of the three keys is given. */
  secret?: string | undefined;
  /** Public key, PEM (SPKI). The algorithms follow from its kind. */
  publicKey?: string | undefined;
  /** Address of a JWKS document. */
  jwksUrl?: string | undefined;
  /** When set, `iss` must be this. */
  issuer?: string | undefined;
  /** When set, `aud` must have this. */
  audience?: string | undefined;
}

/** Seconds by which clocks may differ: a token is taken, and a session lasts, so much longer. */
export const clockToleranceSeconds = 5;

/** The claims of a token that is signed by our key, meant for us, and not expired. */
export type Claims = JWTPayload & { sub: string; exp: number };

export type VerifyToken = (token: unknown) => Promise<Claims>;

/** Algorithms that a key of this kind may be used with; never `none`, never HS256 with a public key as the secret. */
const algorithmsOfKind: Readonly<Record<string, string[]>> = {
  rsa: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  'rsa-pss': ['PS256', 'PS384', 'PS512'],
  'ec prime256v1': ['ES256'],
  'ec secp384r1': ['ES384'],
  'ec secp521r1': ['ES512'],
  ed25519: ['EdDSA', 'Ed25519'],
};

/**
 * Makes the verifier of one configuration.
 *
 * @throws {CommitcastError} `CONFIG_INVALID` when not exactly one usable key is given
 */
export function createTokenVerifier(options: TokenOptions): VerifyToken {
  const { key, algorithms } = keyOf(options);
  const { issuer, audience } = options;
  const expected = {
    algorithms,
    clockTolerance: clockToleranceSeconds,
    requiredClaims: ['sub', 'exp'],
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  };
  return async (token) => {
    if (token === undefined || token === null || token === '') throw new CommitcastError('TOKEN_REQUIRED');
    if (typeof token !== 'string' || token.length > 16_384) throw new CommitcastError('TOKEN_INVALID');
    try {
      const { payload } = await (typeof key === 'function'
        ? jwtVerify(token, key, expected)
        : jwtVerify(token, key, expected));
      if (typeof payload.sub !== 'string' || payload.sub === '') throw new CommitcastError('TOKEN_INVALID');
      return payload as Claims;
    } catch (error) {
      throw codeOf(error, typeof key === 'function');
    }
  };
}

function keyOf({ secret, publicKey, jwksUrl }: TokenOptions): {
  key: KeyObject | JWTVerifyGetKey;
  algorithms: string[];
} {
  const given = [secret, publicKey, jwksUrl].filter((value) => value !== undefined);
  if (given.length !== 1)
    throw misconfigured(
      `exactly one of secret, public key and JWKS address is needed (jwt.secret, jwt.publicKey, jwt.jwksUrl; JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URL), and ${given.length === 0 ? 'none' : 'more than one'} is set`,
    );
  if (secret !== undefined) {
    if (Buffer.byteLength(secret) < 32) throw misconfigured('the JWT secret has fewer than 32 bytes');
    return { key: createSecretKey(Buffer.from(secret)), algorithms: ['HS256'] };
  }
  if (publicKey !== undefined) {
    const key = publicKeyOf(publicKey);
    const { namedCurve } = key.asymmetricKeyDetails ?? {};
    const kind = [key.asymmetricKeyType, namedCurve].filter((part) => part !== undefined).join(' ');
    const algorithms = algorithmsOfKind[kind];
    if (!algorithms) throw misconfigured('the JWT public key is of a kind that JWT does not use');
    return { key, algorithms };
  }
  if (!URL.canParse(jwksUrl ?? '')) throw misconfigured('the JWKS address is no URL');
  const address = new URL(jwksUrl ?? '');
  // `fetch` refuses it, and quotes it when it does.
  if (address.username !== '' || address.password !== '')
    throw misconfigured('the JWKS address has a user or a password: a JWKS is public');
  return {
    key: createRemoteJWKSet(address),
    algorithms: Object.values(algorithmsOfKind).flat(),
  };
}

function publicKeyOf(pem: string): KeyObject {
  try {
    return createPublicKey(pem.replaceAll('\\n', '\n'));
  } catch {
    // The cause may quote the key.
    throw misconfigured('the JWT public key is no PEM');
  }
}

/** Only keys that are fetched can be out of reach. */
function codeOf(error: unknown, fetched: boolean): CommitcastError {
  if (error instanceof CommitcastError) return error;
  if (error instanceof errors.JWTExpired) return new CommitcastError('TOKEN_EXPIRED');
  const unreachable =
    fetched &&
    (error instanceof errors.JWKSTimeout ||
      error instanceof errors.JWKSInvalid ||
      (error instanceof errors.JOSEError && error.code === 'ERR_JOSE_GENERIC') ||
      !(error instanceof errors.JOSEError));
  return unreachable
    ? new CommitcastError('UNAVAILABLE', 'The keys that verify tokens cannot be fetched', { cause: error })
    : new CommitcastError('TOKEN_INVALID');
}

function misconfigured(message: string): CommitcastError {
  return new CommitcastError('CONFIG_INVALID', message);
}

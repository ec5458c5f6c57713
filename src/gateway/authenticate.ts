import { CommitcastError } from '../core/errors.ts';
import { isIdentifier } from '../core/identifier.ts';
import { isUnreachable } from '../db/sql-state.ts';
import type { Identity, Membership } from './identity.ts';
import { clockToleranceSeconds, type Claims, type VerifyToken } from './token.ts';

export interface AuthenticateOptions {
  verifyToken: VerifyToken;
  /** What the claims say of the identity; replaces the reading of `org_id`, `role`, `email`, `profile_id`, `sites`, `units`. */
  identify?: ((claims: Claims) => ClaimedIdentity) | undefined;
  /** Replaces the whole: token in, identity out; it throws for a token that it does not take. */
  verifyAccessToken?: ((token: string) => Promise<Identity>) | undefined;
  getUserPrimaryOrganization: (userId: string) => Promise<Membership | null>;
  /** The membership of a user in the org that `auth.org` asks for. */
  getUserOrganization: (userId: string, organizationId: string) => Promise<Membership | null>;
}

/** All of it may be absent; what is, comes from the membership. */
export type ClaimedIdentity = {
  [Field in Exclude<keyof Identity, 'expiresAt' | 'issuedAt'>]?: Identity[Field] | undefined;
};

/** Identities whose role the token, or the application that read it, has said; not a membership. */
const rolesOfTokens = new WeakSet<Identity>();

export function isRoleOfToken(identity: Identity): boolean {
  return rolesOfTokens.has(identity);
}

/** What a token alone says, before any membership is read. */
export interface KnownUser {
  readonly userId: string;
  /** The org that the token names. */
  readonly organizationId: string | undefined;
  /** The org that was asked for: whether it is the user's, nobody has looked up yet. */
  readonly asked: string | undefined;
}

/** `admit` is called when the token has been taken, before anything else is looked up for it; it may throw. */
export type Authenticate = (
  token: unknown,
  org?: unknown,
  admit?: (known: KnownUser) => void,
) => Promise<Identity>;

/**
 * Makes the one way from a token to an identity, for sockets and HTTP alike. A claimed org is trusted; otherwise the
 * user's membership decides, the primary one unless `org` picks another.
 *
 * Refusals: `TOKEN_REQUIRED`, `TOKEN_INVALID`, `TOKEN_EXPIRED`, `ORG_REQUIRED`, `ORG_FORBIDDEN`, `UNAVAILABLE`.
 */
export function createAuthenticate(options: AuthenticateOptions): Authenticate {
  const { verifyToken, identify = identifyByClaims, verifyAccessToken } = options;
  return async (token, org, admit = () => undefined) => {
    if (org !== undefined && !isIdentifier(org)) throw new CommitcastError('ORG_FORBIDDEN');
    if (verifyAccessToken) {
      if (typeof token !== 'string' || token === '') throw new CommitcastError('TOKEN_REQUIRED');
      const identity = checked(await verifyBy(verifyAccessToken, token), org);
      admit({ ...identity, asked: org });
      return noted(identity, true);
    }
    const claims = await verifyToken(token);
    const claimed = identify(claims);
    const userId = claimed.userId ?? claims.sub;
    const { exp: expiresAt, iat: issuedAt } = claims;
    if (claimed.organizationId !== undefined) {
      const { organizationId } = claimed;
      const identity = checked({ ...claimed, userId, organizationId, expiresAt, issuedAt }, org);
      admit({ ...identity, asked: org });
      return noted(identity, true);
    }
    if (!isUserId(userId)) throw unidentified();
    admit({ userId, organizationId: undefined, asked: org });
    const membership = await findMembership(options, userId, org);
    const identity = checked(
      {
        ...fromMembership(membership),
        ...defined(claimed),
        userId,
        organizationId: membership.organizationId,
        expiresAt,
        issuedAt,
      },
      org,
    );
    return noted(identity, claimed.role !== undefined);
  };
}

function noted(identity: Identity, hasSaidRole: boolean): Identity {
  if (hasSaidRole) rolesOfTokens.add(identity);
  return identity;
}

async function findMembership(
  options: AuthenticateOptions,
  userId: string,
  org: string | undefined,
): Promise<Membership> {
  let membership: Membership | null;
  try {
    membership =
      org === undefined
        ? await options.getUserPrimaryOrganization(userId)
        : await options.getUserOrganization(userId, org);
  } catch (error) {
    throw isUnreachable(error) ? new CommitcastError('UNAVAILABLE', undefined, { cause: error }) : error;
  }
  if (membership) return membership;
  throw new CommitcastError(org === undefined ? 'ORG_REQUIRED' : 'ORG_FORBIDDEN');
}

/** Whatever an application throws for a token that it does not take, the token is invalid; its own codes stay. */
async function verifyBy(verify: (token: string) => Promise<Identity>, token: string): Promise<Identity> {
  try {
    return await verify(token);
  } catch (error) {
    if (error instanceof CommitcastError) throw error;
    throw new CommitcastError('TOKEN_INVALID', undefined, { cause: error });
  }
}

/** An org that is no identifier could forge rooms; one that is not the one asked for is not theirs. */
function checked(identity: Identity, org: string | undefined): Identity {
  if (!isIdentifier(identity.organizationId)) throw new CommitcastError('TOKEN_INVALID');
  if (!isUserId(identity.userId) || !Number.isFinite(identity.expiresAt)) throw unidentified();
  if (org !== undefined && org !== identity.organizationId) throw new CommitcastError('ORG_FORBIDDEN');
  const { issuedAt } = identity;
  if (issuedAt === undefined) return Object.freeze({ ...identity });
  // One from the future would outlive revocations that are still to come.
  const now = Date.now() / 1_000;
  if (!(issuedAt <= now + clockToleranceSeconds)) {
    throw new CommitcastError('TOKEN_INVALID', 'The token was issued in the future, or not at Unix seconds');
  }
  return Object.freeze({ ...identity, issuedAt: Math.min(issuedAt, now) });
}

function identifyByClaims(claims: Claims): ClaimedIdentity {
  return defined({
    organizationId: optional(claims['org_id'], isText),
    profileId: optional(claims['profile_id'], isText),
    role: optional(claims['role'], isText),
    email: optional(claims['email'], isText),
    sites: optional(claims['sites'], isTextList),
    units: optional(claims['units'], isTextList),
  });
}

function fromMembership({ profileId, role, email, sites, units }: Membership): ClaimedIdentity {
  return defined({
    profileId: profileId ?? undefined,
    role: role ?? undefined,
    email: email ?? undefined,
    sites: sites ?? undefined,
    units: units ?? undefined,
  });
}

/** A claim of the wrong type is refused, not ignored: ignoring `sites: "s1"` would widen what the token allows. */
function optional<Value>(value: unknown, is: (value: unknown) => value is Value): Value | undefined {
  if (value === undefined || value === null) return undefined;
  if (!is(value)) throw new CommitcastError('TOKEN_INVALID');
  return value;
}

/** Postgres stores no null character; and two halves of surrogate pairs would be written alike, so one user as another. */
function isUserId(value: unknown): value is string {
  return isText(value) && value !== '' && !/\0|\p{Cs}/u.test(value);
}

function unidentified(): CommitcastError {
  return new CommitcastError('TOKEN_INVALID', 'The identity has no userId, or no expiresAt in Unix seconds');
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isTextList = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);

function defined<Fields extends object>(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Fields;
}

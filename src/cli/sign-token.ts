import { SignJWT } from 'jose';
import { CommitcastError } from '../core/errors.ts';
import { isIdentifier } from '../core/identifier.ts';

export interface TokenRequest {
  org: string;
  user?: string | undefined;
  role?: string | undefined;
  email?: string | undefined;
  sites?: readonly string[] | undefined;
  units?: readonly string[] | undefined;
  /** A number and s, m, h or d. Default: 1h. */
  ttl?: string | undefined;
}

/** A token as the application would sign it, for trying things out. */
export function signToken(
  secret: string,
  { jwtIssuer, jwtAudience }: { jwtIssuer?: string | undefined; jwtAudience?: string | undefined },
  { org, user = 'developer', role, email, sites, units, ttl = '1h' }: TokenRequest,
): Promise<string> {
  for (const id of [org, ...(sites ?? []), ...(units ?? [])]) {
    if (!isIdentifier(id))
      throw new CommitcastError(
        'USAGE',
        `${JSON.stringify(id)} is no id: 1 to 128 characters of A-Z a-z 0-9 . _ ~ -`,
      );
  }
  if (!/^[1-9]\d{0,5}[smhd]$/.test(ttl))
    throw new CommitcastError('USAGE', '--ttl is a number and s, m, h or d, as 1h');
  const claims = Object.entries({ org_id: org, role, email, sites, units }).filter(
    ([, value]) => value !== undefined,
  );
  const token = new SignJWT(Object.fromEntries(claims))
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime(ttl);
  if (jwtIssuer !== undefined) token.setIssuer(jwtIssuer);
  if (jwtAudience !== undefined) token.setAudience(jwtAudience);
  return token.sign(new TextEncoder().encode(secret));
}

import type { Subscription } from '../client/index.ts';
import type { OrgSite } from './sites.ts';

/** Whose events are shown, and with which token: the server's demo gives it, or somebody has pasted it. */
export interface Org {
  readonly id: string;
  readonly name: string;
  readonly token: string;
  /** What there is to see, when the server tells; otherwise the page learns it from the events. */
  readonly sites?: readonly OrgSite[];
  /** Path where the server keeps the state of the units, if it does. */
  readonly readModel?: string;
  /** What the token is limited to, if it is. */
  readonly sees?: readonly Subscription[];
}

export interface Session {
  readonly demo: boolean;
  readonly orgs: readonly Org[];
}

const tokenKey = 'commitcast:token';

/** What the server offers to log in as. A server without the route offers nothing; one that cannot be reached throws. */
export async function fetchSession(): Promise<Session> {
  const response = await fetch(new URL('console/session', document.baseURI), { cache: 'no-store' });
  if (response.status >= 500) throw new Error(`The server answers ${response.status}`);
  if (!response.ok) return { demo: false, orgs: [] };
  return (await response.json()) as Session;
}

export function pastedToken(): string | null {
  return sessionStorage.getItem(tokenKey);
}

/** Kept in this tab only. */
export function keepToken(token: string | null): void {
  if (token === null) sessionStorage.removeItem(tokenKey);
  else sessionStorage.setItem(tokenKey, token);
}

/** The org of a pasted token, as the token says. Not verified: that is the server's business. */
export function orgOfToken(token: string): Org {
  const { org_id: id, sites, units } = claimsOf(token);
  const org = typeof id === 'string' ? id : 'own';
  const sees: Subscription[] = [
    ...textsIn(sites).map((site) => ({ site, deep: true }) as const),
    ...textsIn(units).map((unit) => ({ unit })),
  ];
  return { id: org, name: org, token, ...(sees.length > 0 ? { sees } : {}) };
}

function claimsOf(token: string): Record<string, unknown> {
  try {
    const body = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function textsIn(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((each) => typeof each === 'string') : [];
}

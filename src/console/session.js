/**
 * Where tokens come from: the server's demo, or the field that one is pasted into.
 *
 * @typedef {object} Org
 * @property {string} id
 * @property {string} name
 * @property {string} token
 * @property {{ id: string, name: string, units: { id: string, name: string, kind?: string, limit?: number }[] }[]} [sites]
 *   what there is to see, when the server tells; otherwise the page learns it from the events
 * @property {string} [readModel] where the server keeps the state of the units, if it does
 *
 * @typedef {{ demo: boolean, orgs: Org[] }} Session
 */

const tokenKey = 'commitcast:token';

/**
 * What the server offers to log in as. A server without the route offers nothing; one that cannot be reached throws.
 *
 * @returns {Promise<Session>}
 */
export async function fetchSession() {
  const response = await fetch(new URL('console/session', document.baseURI), { cache: 'no-store' });
  if (response.status >= 500) throw new Error(`The server answers ${response.status}`);
  if (!response.ok) return { demo: false, orgs: [] };
  return response.json();
}

/** @returns {string | null} */
export function pastedToken() {
  return sessionStorage.getItem(tokenKey);
}

/** @param {string | null} token */
export function keepToken(token) {
  if (token === null) sessionStorage.removeItem(tokenKey);
  else sessionStorage.setItem(tokenKey, token);
}

/**
 * The org of a pasted token, as the token says. Not verified: that is the server's business.
 *
 * @param {string} token
 * @returns {Org & { sees: import('./scope.js').Subscription[] }}
 */
export function orgOfToken(token) {
  const { org_id: id = 'own', sites, units } = claimsOf(token);
  const sees = [
    ...(Array.isArray(sites) ? sites.map((site) => ({ site, deep: true })) : []),
    ...(Array.isArray(units) ? units.map((unit) => ({ unit })) : []),
  ];
  return { id, name: id, token, sees };
}

/**
 * @param {string} token
 * @returns {Record<string, any>}
 */
function claimsOf(token) {
  try {
    const body = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) ?? {};
  } catch {
    return {};
  }
}

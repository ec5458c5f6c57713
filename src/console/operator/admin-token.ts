const key = 'commitcast:admin-token';

/** What an operator has pasted in this tab, if anything; it lasts as long as the tab. */
export function adminToken(): string | undefined {
  return sessionStorage.getItem(key) ?? undefined;
}

export function keepAdminToken(token: string | undefined): void {
  if (token === undefined) sessionStorage.removeItem(key);
  else sessionStorage.setItem(key, token);
}

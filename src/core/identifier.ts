/**
 * Form of the ids of orgs, sites, units and streams. It has no colon, so that no id can forge the room of another
 * scope; the database enforces the same with the domain `commitcast.identifier`.
 */
export const identifierPattern = /^[A-Za-z0-9._~-]{1,128}$/;

export function isIdentifier(value: unknown): value is string {
  return typeof value === 'string' && identifierPattern.test(value);
}

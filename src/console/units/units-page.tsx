import type { Org } from '../session.ts';

/** The demo's cold chain: its sites and units. */
export function UnitsPage({ org }: { org: Org }) {
  return <p className="empty">{org.name}</p>;
}

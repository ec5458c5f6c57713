import type { Connection } from '../connection.ts';
import type { Org } from '../session.ts';

export function StreamPage({ org }: { connection: Connection; org: Org; demo: boolean }) {
  return <p>{org.name}</p>;
}

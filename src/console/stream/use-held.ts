import { useRef } from 'react';
import type { LedgerView } from '../ledger.ts';

type Rows = LedgerView['rows'];

/** The rows as they were when they began to be held, or as they are: what somebody reads does not move. */
export function useHeld({ rows, era }: Pick<LedgerView, 'rows' | 'era'>, isHeld: boolean): Rows {
  const held = useRef<{ rows: Rows; era: number }>(undefined);
  if (!isHeld || held.current?.era !== era) held.current = { rows, era };
  return held.current.rows;
}

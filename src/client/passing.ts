import type { Code } from '../core/codes.ts';

/** Refusals that may be over in a moment. As in the table of codes, which browsers do not load; a test compares them. */
export const passing: ReadonlySet<Code> = new Set([
  'RATE_LIMITED',
  'UNAVAILABLE',
  'INTERNAL',
  'SHUTTING_DOWN',
  'SLOW_CONSUMER',
  'RIGHTS_CHANGED',
]);

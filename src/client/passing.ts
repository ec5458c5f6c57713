import type { Code } from '../core/codes.ts';

/**
 * Refusals that may be over in a moment, of those that come without saying so themselves: of a handshake, and of a
 * subscription. As in the table of codes, which browsers do not load.
 */
export const passing: ReadonlySet<Code> = new Set(['RATE_LIMITED', 'UNAVAILABLE', 'INTERNAL']);

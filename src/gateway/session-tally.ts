import type { Code } from '../core/codes.ts';
import { Tally } from '../core/tally.ts';

/** Of all sessions of a gateway since it was made, for those who operate. */
export class SessionTally {
  opened = 0;
  /** Times that one left live delivery because it did not read. */
  slow = 0;
  /** Those that the server ended, by the code that it told them. */
  readonly closed = new Tally<Code>();
}

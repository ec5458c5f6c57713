import { readClock } from '../../../log/read-clock.ts';
import { durationText } from '../../table.ts';
import type { Check } from '../check.ts';
import { found } from '../finding.ts';

/** Well below the 5 s by which a token may be early or late. */
const tolerableMs = 2_000;

/** The clock here against the database's: what lies between is known to half of the time that the answer took. */
export const checkClock: Check = {
  name: 'clock',
  needs: 'server',
  async look({ db }) {
    const began = performance.now();
    const before = Date.now();
    const there = await readClock(db);
    const tookMs = performance.now() - began;
    const aheadMs = before + tookMs / 2 - there;
    if (Math.abs(aheadMs) - tookMs / 2 <= tolerableMs) return [];
    return [
      found(
        'CLOCK_SKEW',
        `This machine is ${durationText(Math.abs(aheadMs) / 1_000)} ${aheadMs > 0 ? 'ahead of' : 'behind'} the database.`,
        'Let both follow a time server (chrony, systemd-timesyncd). Tokens are judged by the clock here, 5 s are forgiven; retention and revocations go by the database.',
      ),
    ];
  },
};

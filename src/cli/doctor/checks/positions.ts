import { readGivenPosition } from '../../../log/read-given-position.ts';
import { readPublication } from '../../../log/read-publication.ts';
import { durationText, formatInteger } from '../../table.ts';
import type { Check } from '../check.ts';
import { found } from '../finding.ts';

/** What is settled is saved once a second. */
const publishedMs = 10_000;

/** Whether what was published is in the log, and what is in the log was published. */
export const checkPublished: Check = {
  name: 'published',
  needs: 'schema',
  async look({ db }) {
    const { published, floor, last, unpublishedMs } = await readPublication(db);
    // Retention may have dropped all that there was.
    const head = Math.max(last, floor - 1);
    if (published > head)
      return [
        found(
          'HEAD_BEHIND_PUBLISHED',
          `Published up to ${formatInteger(published)}, and the log ends at ${formatInteger(head)}.`,
          `Browsers have had events that are gone. Restore the rest of the log; or, when that is not to be had, as the owner: update commitcast.relay set published = ${head}; then run \`commitcast epoch new\`.`,
        ),
      ];
    if (unpublishedMs !== null && unpublishedMs > publishedMs)
      return [
        found(
          'PUBLISHED_BEHIND_HEAD',
          `The log ends at ${formatInteger(last)}, published up to ${formatInteger(published)}; the next event was committed ${durationText(unpublishedMs / 1_000)} ago.`,
          'See NO_LEADER, COMMIT_HANGS and PREPARED_TRANSACTION_HOLDS, if they are named here, too; else the log of the instance that leads.',
        ),
      ];
    return [];
  },
};

/** Positions are never given again, unless the sequence was set back or left out of a restore. */
export const checkGiven: Check = {
  name: 'positions',
  needs: 'schema',
  async look({ db }) {
    // The log first: what is committed between the two is then no finding.
    const { last, floor } = await readPublication(db);
    const highest = Math.max(last, floor - 1);
    const given = await readGivenPosition(db);
    if (given >= highest) return [];
    return [
      found(
        'POSITION_BEHIND_HEAD',
        `The position given last is ${formatInteger(given)}, and the log has come to ${formatInteger(highest)}.`,
        `Commits with events fail, or hide their events from whoever is further on. As the owner: select setval('commitcast.position', ${highest}).`,
      ),
    ];
  },
};

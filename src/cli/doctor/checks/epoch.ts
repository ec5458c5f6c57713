import { readIdentityChange } from '../../../log/read-identity-change.ts';
import type { Check } from '../check.ts';
import { found } from '../finding.ts';

export const checkEpoch: Check = {
  name: 'epoch',
  needs: 'schema',
  async look({ db }) {
    const { epoch, changed } = await readIdentityChange(db);
    if (changed.length === 0) return [];
    return [
      found(
        'EPOCH_STALE',
        `Epoch ${epoch} was opened for another ${changed.join(' and ')}: this is a copy, or a standby that was promoted.`,
        'Start an instance, or restart those that run: the first thing they do is to open the epoch of this history. By hand: select commitcast.open_epoch().',
      ),
    ];
  },
};

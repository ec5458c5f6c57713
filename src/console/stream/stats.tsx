import type { LedgerView } from '../ledger.ts';
import { countOf } from '../words.ts';

interface Stat {
  readonly name: string;
  readonly label: string;
  readonly title: string;
  /** Any is one too many. */
  readonly bad?: boolean;
  readonly value: (view: LedgerView) => number | undefined;
}

const stats: readonly Stat[] = [
  {
    name: 'received',
    label: 'Received',
    title: 'Events that this tab has got',
    value: ({ counts }) => counts.received,
  },
  {
    name: 'replayed',
    label: 'Replayed',
    title: 'Of them, after a reconnect or a reload, before live',
    value: ({ counts }) => counts.replayed,
  },
  {
    name: 'missing',
    label: 'Missing',
    title:
      'Positions of other organizations leave gaps, so positions cannot tell. The demo numbers the readings of each unit: a number left out would count here',
    bad: true,
    value: ({ counts, numbered }) => (numbered ? counts.missing : undefined),
  },
  {
    name: 'twice',
    label: 'Twice',
    title: 'Events whose id this tab already had',
    bad: true,
    value: ({ counts }) => counts.twice,
  },
  {
    name: 'disordered',
    label: 'Out of order',
    title: 'Events with a position below the one before',
    bad: true,
    value: ({ counts }) => counts.disordered,
  },
  {
    name: 'ghosts',
    label: 'Ghosts',
    title:
      'Transactions of this organization that the demo rolled back after they had appended, and how many of them were sent',
    bad: true,
    value: ({ counts, rolledBack }) => (rolledBack === undefined ? undefined : counts.ghosts),
  },
];

/** Numbers that prove continuity, as far as a page can. */
export function Stats({ view }: { view: LedgerView }) {
  return (
    <dl className="stats">
      {stats.map(({ name, label, title, bad, value }) => {
        const amount = value(view);
        const isBad = bad === true && amount !== undefined && amount > 0;
        return (
          <div key={name} className="stat" title={title}>
            <dt>{label}</dt>
            <dd
              data-testid={`counter-${name}`}
              data-health={bad && amount !== undefined ? (isBad ? 'bad' : 'good') : undefined}
            >
              {amount === undefined ? '–' : countOf(amount)}
              {name === 'ghosts' && view.rolledBack !== undefined && (
                <span className="stat-of"> of {countOf(view.rolledBack)}</span>
              )}
            </dd>
          </div>
        );
      })}
      <div className="stat" title="Place of the last event in commit order">
        <dt>Position</dt>
        <dd data-testid="position">{view.last === 0 ? '–' : countOf(view.last)}</dd>
      </div>
    </dl>
  );
}

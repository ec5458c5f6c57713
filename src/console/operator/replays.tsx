import type { ReplayReport, StatusAnswer } from '../../core/status.ts';
import { countOf, plural } from '../words.ts';
import { openGateways } from './instances.ts';
import { Panel } from './panel.tsx';

type Source = ReplayReport['memory'];

/** Where those who came back got from what they had missed. */
export function Replays({ status: { instances } }: { status: StatusAnswer }) {
  const all = openGateways(instances).map(({ gateway }) => gateway.replays);
  const memory = all.map((each) => each.memory).reduce(add, none);
  const log = all.map((each) => each.log).reduce(add, none);
  const resets = (['expired', 'epoch', 'unknown'] as const).map((reason) => ({
    reason,
    count: all.reduce((total, each) => total + each.resets[reason], 0),
  }));
  const events = memory.events + log.events;
  const share = events === 0 ? 0 : memory.events / events;
  const told = resets.filter(({ count }) => count > 0);
  return (
    <Panel title="Replays" testId="replays" aside="since the instances started">
      <div className="panel-body operator-replays">
        <p>
          {events === 0
            ? 'Nobody has come back and missed events so far.'
            : `${plural(events, 'event')} replayed, ${percentOf(share)} of them from memory.`}
        </p>
        <div className="operator-share" data-empty={events === 0 ? '' : undefined} aria-hidden="true">
          <span style={{ inlineSize: `${100 * share}%` }} />
        </div>
        <dl>
          <SourceFigures name="Memory" ink="accent" source={memory} />
          <SourceFigures name="Database" ink="violet" source={log} />
        </dl>
        <p className="soft">
          {told.length === 0
            ? 'No session was told to load its state again.'
            : `Told to load their state again: ${told.map(({ reason, count }) => `${countOf(count)} ${words[reason]}`).join(', ')}.`}
        </p>
      </div>
    </Panel>
  );
}

function SourceFigures({ name, ink, source }: { name: string; ink: string; source: Source }) {
  return (
    <div className="stat" data-mark={ink}>
      <dt>{name}</dt>
      <dd>
        {countOf(source.events)} <small>{source.events === 1 ? 'event' : 'events'}</small>
      </dd>
      <dd className="operator-sub">
        {plural(source.sessions, 'catch-up')}, {plural(source.pages, 'page')}
      </dd>
    </div>
  );
}

const words = {
  expired: 'whose history is not kept any more',
  epoch: 'for another history of the database',
  unknown: 'with a cursor of another database',
};

const none: Source = { pages: 0, events: 0, sessions: 0 };

function add(a: Source, b: Source): Source {
  return { pages: a.pages + b.pages, events: a.events + b.events, sessions: a.sessions + b.sessions };
}

/** Never rounded to all or nothing. */
function percentOf(share: number): string {
  if (share > 0 && share < 0.01) return 'under 1 %';
  if (share > 0.99 && share < 1) return 'over 99 %';
  return `${Math.round(share * 100)} %`;
}

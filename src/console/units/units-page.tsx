import './units.css';
import { useState, type CSSProperties } from 'react';
import { flushSync } from 'react-dom';
import type { Org } from '../session.ts';
import { plural } from '../words.ts';
import { AlarmsPanel } from './alarms-panel.tsx';
import { FollowStatus } from './follow-status.tsx';
import { groupSites, openAlarms, type ShownSite } from './group-sites.ts';
import { AlarmIcon } from './icons.tsx';
import { RebuildNotice } from './rebuild-notice.tsx';
import { SiteFilter } from './site-filter.tsx';
import { cardId, UnitCard } from './unit-card.tsx';
import { useRebuild } from './use-rebuild.ts';
import { useUnits } from './use-units.ts';

/** The demo's cold chain: its open alarms, its sites and their units. */
export function UnitsPage({ org }: { org: Org }) {
  const units = useUnits(org);
  const rebuild = useRebuild(org);
  const [chosen, setChosen] = useState<string>();
  const known = units.state?.units ?? new Map();
  const sites = groupSites(known, org.sites);
  const shown = sites.filter(({ id }) => chosen === undefined || id === chosen);
  const raised = [...known.values()].reduce((sum: number, { alarms }) => sum + alarms, 0);
  const show = (unit: string) => {
    flushSync(() => setChosen(undefined));
    const card = document.getElementById(cardId(unit));
    card?.scrollIntoView({ block: 'center' });
    card?.focus({ preventScroll: true });
  };
  return (
    <div className="units" data-testid="units">
      <RebuildNotice rebuild={rebuild} isFollowing={units.status === 'active'} />
      <AlarmsPanel alarms={openAlarms(sites)} raised={raised} onChoose={show} />
      <div className="units-bar">
        <SiteFilter sites={sites} chosen={chosen} onChoose={setChosen} />
        <FollowStatus {...units} />
      </div>
      <div className="units-sites">
        {shown.map((site) => (
          <Site key={site.id} site={site} />
        ))}
      </div>
    </div>
  );
}

function Site({ site: { id, title, units } }: { site: ShownSite }) {
  const alarms = openAlarms([{ id, title, units }]).length;
  return (
    <section
      className="units-site"
      aria-label={title}
      data-site={id}
      style={{ '--units-count': units.length } as CSSProperties}
    >
      <h2>
        {title}
        {alarms > 0 && (
          <span className="tag" data-tone="bad">
            <AlarmIcon /> {plural(alarms, 'alarm')}
          </span>
        )}
      </h2>
      <div className="units-cards">
        {units.map((unit) => (
          <UnitCard key={unit.id} unit={unit} />
        ))}
      </div>
    </section>
  );
}

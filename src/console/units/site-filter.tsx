import { openAlarms, type ShownSite } from './group-sites.ts';
import { AlarmIcon } from './icons.tsx';

/** Which site is shown. All are followed meanwhile. */
export function SiteFilter({
  sites,
  chosen,
  onChoose,
}: {
  sites: readonly ShownSite[];
  chosen: string | undefined;
  onChoose: (site: string | undefined) => void;
}) {
  const total = sites.reduce((sum, { units }) => sum + units.length, 0);
  return (
    <div className="chips" role="group" aria-label="Site">
      <button
        type="button"
        className="chip"
        aria-pressed={chosen === undefined}
        data-testid="site-all"
        onClick={() => onChoose(undefined)}
      >
        All <span className="count">{total}</span>
      </button>
      {sites.map((site) => (
        <button
          key={site.id}
          type="button"
          className="chip"
          aria-pressed={chosen === site.id}
          data-testid={`site-${site.id}`}
          onClick={() => onChoose(site.id)}
        >
          {site.title} <span className="count">{site.units.length}</span>
          {openAlarms([site]).length > 0 && (
            <span className="units-bad">
              <AlarmIcon />
              <span className="visually-hidden">with open alarms</span>
            </span>
          )}
        </button>
      ))}
    </div>
  );
}

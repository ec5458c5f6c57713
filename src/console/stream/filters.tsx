import { useMemo } from 'react';
import type { Row } from '../ledger.ts';
import { placeName, type Place } from '../scope.ts';
import type { Org } from '../session.ts';
import { countOf } from '../words.ts';
import { facetsOf, isFiltering, noFilter, type Filter } from './filter.ts';

/** Search, places and types: what of the received is shown. */
export function Filters({
  rows,
  org,
  filter,
  onChange,
  onFollow,
}: {
  rows: readonly Row[];
  org: Org;
  filter: Filter;
  onChange: (filter: Filter) => void;
  onFollow: (place: Place) => void;
}) {
  const facets = useMemo(() => facetsOf(rows, org), [rows, org]);
  const { place, types } = filter;
  const placeButton = (each: Place, count: number, level: number) => {
    const isChosen = place !== undefined && each.site === place.site && each.unit === place.unit;
    return (
      <button
        type="button"
        className="place"
        data-level={level}
        data-testid={`place-${each.unit ?? each.site ?? 'org'}`}
        aria-pressed={isChosen}
        onClick={() => onChange({ ...filter, place: isChosen ? undefined : each })}
      >
        <span className="ellipsis">{each.unit || each.site ? placeName(each, org) : 'The org itself'}</span>
        <span className="numeric soft">{countOf(count)}</span>
      </button>
    );
  };
  const toggle = (type: string) => {
    const next = new Set(types);
    if (!next.delete(type)) next.add(type);
    onChange({ ...filter, types: next });
  };
  return (
    <div className="filters" data-testid="filters">
      <div className="field">
        <label htmlFor="search">Search</label>
        <input
          id="search"
          type="search"
          className="input"
          placeholder="Text in an event"
          data-testid="search"
          value={filter.text}
          onChange={(event) => onChange({ ...filter, text: event.target.value })}
        />
      </div>
      <section aria-labelledby="types-title">
        <h3 id="types-title">Types</h3>
        <div className="chips">
          {facets.types.map(({ id, count }) => (
            <button
              key={id}
              type="button"
              className="chip"
              data-testid={`type-${id}`}
              aria-pressed={types.has(id)}
              onClick={() => toggle(id)}
            >
              <span className="ellipsis">{id}</span>
              <span className="count">{countOf(count)}</span>
            </button>
          ))}
          {facets.types.length === 0 && <span className="soft">None seen yet</span>}
        </div>
      </section>
      <section aria-labelledby="places-title">
        <h3 id="places-title">Places</h3>
        <ul className="places">
          <li>{placeButton({}, facets.org, 0)}</li>
          {facets.sites.map((site) => (
            <li key={site.id}>
              {placeButton({ site: site.id }, site.count, 0)}
              <ul>
                {site.units.map((unit) => (
                  <li key={unit.id}>{placeButton({ unit: unit.id }, unit.count, 1)}</li>
                ))}
              </ul>
            </li>
          ))}
          {facets.units.map((unit) => (
            <li key={unit.id}>{placeButton({ unit: unit.id }, unit.count, 0)}</li>
          ))}
        </ul>
      </section>
      {isFiltering(filter) && (
        <div className="filter-ends">
          <button type="button" className="button" data-testid="clear" onClick={() => onChange(noFilter)}>
            Clear filters
          </button>
          {(place?.unit ?? place?.site) !== undefined && place && (
            <button
              type="button"
              className="button"
              data-testid="follow"
              title="The server sends nothing else any more"
              onClick={() => onFollow(place)}
            >
              Follow only {placeName(place, org)}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

import { memo } from 'react';
import { secondOf } from '../words.ts';
import { degrees } from './degrees.ts';
import type { ShownUnit } from './group-sites.ts';
import { AlarmIcon, DoorIcon } from './icons.tsx';
import { Sparkline } from './sparkline.tsx';
import { trendOf, type Trend } from './unit.ts';

const arrows: Readonly<Record<Trend, string>> = { rising: '↗', falling: '↘', steady: '→' };

/** A unit: its last reading, where it tends to, and what is wrong. */
export const UnitCard = memo(
  function UnitCard({ unit }: { unit: ShownUnit }) {
    const { id, title, kind, temperature, limit, series, alarmSince, doorOpen, doorBy, number, readAt } =
      unit;
    const trend = trendOf(unit);
    return (
      <article
        className="panel units-card"
        id={cardId(id)}
        tabIndex={-1}
        data-unit={id}
        data-alarm={alarmSince !== null || undefined}
        aria-label={title}
      >
        <header>
          <h3 className="ellipsis">{title}</h3>
          {kind !== undefined && <span className="soft">{kind}</span>}
        </header>
        <p className="units-reading">
          <strong data-testid="temperature">{degrees(temperature)}</strong>
          {trend && (
            <span className="units-trend" role="img" aria-label={trend} title={trend}>
              {arrows[trend]}
            </span>
          )}
          {alarmSince === null ? (
            <span className="soft numeric">limit {degrees(limit)}</span>
          ) : (
            <span className="tag units-alarm-tag" data-tone="bad">
              <AlarmIcon /> alarm, limit {degrees(limit)}
            </span>
          )}
        </p>
        <Sparkline series={series} limit={limit} />
        <footer>
          <span
            className={doorOpen ? 'units-door-open' : 'soft'}
            data-testid="door"
            title={doorBy === null ? undefined : `By ${doorBy}`}
          >
            <DoorIcon isOpen={doorOpen} /> door {doorOpen ? 'open' : 'closed'}
          </span>
          <span className="soft numeric" data-testid="reading">
            {readAt === null
              ? 'no reading yet'
              : `${number === null ? '' : `no. ${number} · `}${secondOf(readAt)}`}
          </span>
        </footer>
      </article>
    );
  },
  ({ unit: one }, { unit: other }) =>
    (Object.keys(other) as (keyof ShownUnit)[]).every((key) => Object.is(one[key], other[key])),
);

export function cardId(unit: string): string {
  return `unit-${unit}`;
}

import { plural, secondOf } from '../words.ts';
import { degrees } from './degrees.ts';
import type { ShownUnit } from './group-sites.ts';
import { AlarmIcon, OkIcon } from './icons.tsx';

/** The alarms that are open, before everything else. */
export function AlarmsPanel({
  alarms,
  raised,
  onChoose,
}: {
  alarms: readonly ShownUnit[];
  /** So far, over all units. */
  raised: number;
  onChoose: (unit: string) => void;
}) {
  const isQuiet = alarms.length === 0;
  return (
    <section
      className="panel units-alarms"
      data-open={!isQuiet || undefined}
      aria-labelledby="units-alarms-title"
    >
      <div className="panel-head">
        <h2 id="units-alarms-title" aria-live="polite">
          {isQuiet ? <OkIcon /> : <AlarmIcon />}
          {isQuiet ? 'No open alarms' : plural(alarms.length, 'open alarm')}
        </h2>
        <span className="end soft numeric">{raised} raised so far</span>
      </div>
      {!isQuiet && (
        <ul>
          {alarms.map(({ id, title, temperature, limit, alarmSince }) => (
            <li key={id}>
              <button type="button" data-alarm-of={id} onClick={() => onChoose(id)}>
                <span className="ellipsis">{title}</span>
                <strong className="numeric">{degrees(temperature)}</strong>
                <span className="soft numeric">
                  limit {degrees(limit)}, since {alarmSince === null ? '–' : secondOf(alarmSince)}
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

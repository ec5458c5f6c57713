import { useEffect, useState, type ReactNode } from 'react';
import type { CommitcastEvent } from '../../client/index.ts';
import { placeName, type Place } from '../scope.ts';
import type { Org } from '../session.ts';
import { countOf } from '../words.ts';
import { toneOf } from './summary.ts';

/** All of one event, as it came. */
export function EventDetail({
  event,
  org,
  cursor,
  onClose,
  onFollow,
}: {
  event: CommitcastEvent;
  org: Org;
  /** Of the session: an event's own cursor is of the same epoch. */
  cursor: string | undefined;
  onClose: () => void;
  onFollow: (place: Place) => void;
}) {
  const [said, setSaid] = useState('');
  const { position, type, unit, site, data, meta } = event;
  useEffect(() => setSaid(''), [position]);
  const copy = async (what: string, text: string) => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid(`${what} copied`);
    } catch {
      setSaid('The browser does not allow copying');
    }
  };
  const own = cursor === undefined ? undefined : `${cursor.slice(0, cursor.indexOf('-'))}-${position}`;
  const fields: [string, ReactNode][] = [
    ['position', countOf(position)],
    ['id', event.id],
    ['time', event.time],
    ['org', event.org],
    ['site', site],
    ['unit', unit],
    ['stream', event.stream],
    ['version', event.version],
    ['cursor', own],
  ];
  return (
    <section className="detail" data-testid="detail" aria-label={`Event ${countOf(position)}`}>
      <div className="panel-head">
        <span className="tag ellipsis" data-tone={toneOf(type)}>
          {type}
        </span>
        <span className="numeric soft">{countOf(position)}</span>
        <button type="button" className="button icon bare end" data-testid="close-detail" onClick={onClose}>
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="m4 4 8 8M12 4l-8 8" />
          </svg>
          <span className="visually-hidden">Close</span>
        </button>
      </div>
      <div className="detail-body">
        <div className="detail-actions">
          <button
            type="button"
            className="button"
            data-testid="copy-json"
            onClick={() => void copy('JSON', JSON.stringify(event, null, 2))}
          >
            Copy JSON
          </button>
          {own !== undefined && (
            <button
              type="button"
              className="button"
              data-testid="copy-cursor"
              title="Resume token: a session that begins with it gets what follows this event"
              onClick={() => void copy('Cursor', own)}
            >
              Copy cursor
            </button>
          )}
          {unit !== undefined && (
            <button
              type="button"
              className="button"
              data-testid="follow-unit"
              title="The server sends nothing of other units any more"
              onClick={() => onFollow({ unit })}
            >
              Follow {placeName({ unit }, org)}
            </button>
          )}
          <span className="soft" role="status">
            {said}
          </span>
        </div>
        <dl className="fields">
          {fields.map(([name, value]) =>
            value === undefined ? null : (
              <div key={name}>
                <dt>{name}</dt>
                <dd className="mono">{value}</dd>
              </div>
            ),
          )}
        </dl>
        <h3>data</h3>
        <Json value={data} />
        {meta !== undefined && (
          <>
            <h3>meta</h3>
            <Json value={meta} />
          </>
        )}
      </div>
    </section>
  );
}

function Json({ value }: { value: unknown }) {
  return (
    // Scrolls by keyboard as well.
    <pre className="json" tabIndex={0} data-testid="json">
      {JSON.stringify(value, null, 2)}
    </pre>
  );
}

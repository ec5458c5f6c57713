import type { Connection } from '../connection.ts';
import { scopeName } from '../scope.ts';
import type { Org } from '../session.ts';
import { useObservable } from '../use-observable.ts';
import { countOf, plural } from '../words.ts';
import type { Sheet } from './side.tsx';

/** Above the list: what it shows, and whether it stands still. */
export function ListHead(props: {
  connection: Connection;
  org: Org;
  demo: boolean;
  isFiltered: boolean;
  shown: number;
  isPaused: boolean;
  waiting: number;
  onPause: (isPaused: boolean) => void;
  onGoOn: () => void;
  onSheet: (sheet: Sheet) => void;
}) {
  const { connection, org, isPaused, waiting, shown } = props;
  const { told } = useObservable(connection.status.view);
  const { ledger } = connection;
  const { followed } = useObservable(ledger.view);
  const isNarrowed =
    followed !== undefined && JSON.stringify(followed) !== JSON.stringify(connection.everything);
  return (
    <>
      <div className="panel-head list-head">
        <h2 id="stream-title">Stream</h2>
        <span className="soft numeric">
          {props.isFiltered ? `${countOf(shown)} shown` : plural(shown, 'event')}
        </span>
        <span className="told ellipsis" role="status" data-testid="told" title={told}>
          {told}
        </span>
        <span className="end list-tools">
          <span className="narrow-tools">
            <button
              type="button"
              className="button"
              onClick={() => props.onSheet('filters')}
              data-testid="open-filters"
            >
              Filters
            </button>
            <button
              type="button"
              className="button"
              onClick={() => props.onSheet('connection')}
              data-testid="open-connection"
            >
              Connection
            </button>
            {props.demo && (
              <button
                type="button"
                className="button"
                onClick={() => props.onSheet('publish')}
                data-testid="open-publish"
              >
                Publish
              </button>
            )}
          </span>
          <button
            type="button"
            className="button"
            data-testid="pause"
            aria-pressed={isPaused}
            title="The list stands still; events are received all the same"
            onClick={() => (isPaused ? props.onGoOn() : props.onPause(true))}
          >
            {isPaused ? 'Go on' : 'Pause'}
          </button>
        </span>
      </div>
      {isNarrowed && (
        <div className="followed notice" data-tone="accent" data-testid="followed">
          Follows only {followed.map((scope) => scopeName(scope, org)).join(', ')}
          <button
            type="button"
            className="button"
            data-testid="follow-all"
            onClick={() => connection.follow(connection.everything)}
          >
            Follow all again
          </button>
        </div>
      )}
      {waiting > 0 && (
        <button type="button" className="button primary waiting" data-testid="waiting" onClick={props.onGoOn}>
          {plural(waiting, 'new event')}
        </button>
      )}
    </>
  );
}

export function ListEmpty({
  connection,
  isFiltered,
  onClear,
}: {
  connection: Connection;
  isFiltered: boolean;
  onClear: () => void;
}) {
  const { shown, reason } = useObservable(connection.status.view);
  if (isFiltered)
    return (
      <div className="empty" data-testid="empty">
        <strong>No event fits the filters</strong>
        <button type="button" className="button" onClick={onClear}>
          Clear filters
        </button>
      </div>
    );
  if (shown === 'denied')
    return (
      <div className="empty" data-testid="empty">
        <strong>The server has refused</strong>
        <p data-testid="problem">{reason}</p>
        <button type="button" className="button" onClick={() => connection.client.connect()}>
          Try again
        </button>
      </div>
    );
  return (
    <div className="empty" data-testid="empty">
      <strong>{shown === 'live' ? 'Nothing yet' : 'Not live yet'}</strong>
      <p>Events appear here as they are committed.</p>
    </div>
  );
}

import { countOf, plural } from '../words.ts';
import type { Units } from './use-units.ts';

/** How the page came to what it shows, and whether it has found a hole in it. */
export function FollowStatus({ state, status, error, retry }: Units) {
  if (status === 'failed' || status === 'denied')
    return (
      <div
        className="notice units-failed"
        data-tone="bad"
        role="alert"
        data-testid="units-status"
        data-status={status}
      >
        <span>
          {status === 'denied'
            ? 'The units of this organization may not be followed.'
            : 'The units could not be loaded.'}{' '}
          {error instanceof Error && error.message}
        </span>
        <button type="button" className="button" onClick={retry}>
          Try again
        </button>
      </div>
    );
  return (
    <p className="soft numeric units-status" data-testid="units-status" data-status={status}>
      {status !== 'active' || !state ? (
        <>{state ? 'As this tab left it; loading the read model' : 'Loading the read model'}</>
      ) : (
        <>
          <span>Read model at {countOf(state.loadedAt)},</span>{' '}
          <span>
            then {plural(state.followed, 'event')} up to {countOf(state.position)}:
          </span>{' '}
          <Check name="missed" count={state.missed} />, <Check name="twice" count={state.twice} />
        </>
      )}
    </p>
  );
}

/** The demo numbers the readings of each unit, so the page can tell by itself. */
function Check({ name, count }: { name: string; count: number }) {
  return (
    <span className={count > 0 ? 'units-bad' : undefined} data-testid={name}>
      {countOf(count)} {name}
    </span>
  );
}

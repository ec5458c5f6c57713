import type { Connection } from '../connection.ts';
import type { Org } from '../session.ts';
import { PublishForm } from './publish-form.tsx';
import { TimelinePanel } from './timeline-panel.tsx';

export type SideName = 'connection' | 'publish';

/** On narrow screens one of these is over the list. */
export type Sheet = 'filters' | SideName;

const titles: Readonly<Record<SideName, string>> = { connection: 'Connection', publish: 'Publish' };

/** What is beside the list while no event is open. */
export function Side({
  side,
  onSide,
  onClose,
  connection,
  org,
  demo,
}: {
  side: SideName;
  onSide: (side: SideName) => void;
  onClose: () => void;
  connection: Connection;
  org: Org;
  demo: boolean;
}) {
  const offered: SideName[] = demo ? ['connection', 'publish'] : ['connection'];
  return (
    <>
      <div className="panel-head">
        {offered.length === 1 ? (
          <h2>{titles.connection}</h2>
        ) : (
          <fieldset className="segments">
            <legend>Beside the stream</legend>
            {offered.map((each) => (
              <label key={each}>
                <input
                  type="radio"
                  name="side"
                  data-testid={`side-${each}`}
                  checked={each === side}
                  onChange={() => onSide(each)}
                />
                <span>{titles[each]}</span>
              </label>
            ))}
          </fieldset>
        )}
        <button type="button" className="button end sheet-close" onClick={onClose}>
          Done
        </button>
      </div>
      {side === 'publish' && demo ? (
        <PublishForm org={org} ledger={connection.ledger} />
      ) : (
        <TimelinePanel timeline={connection.timeline} />
      )}
    </>
  );
}

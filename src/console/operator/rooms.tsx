import type { StatusAnswer } from '../../core/status.ts';
import { countOf, plural } from '../words.ts';
import { openGateways } from './instances.ts';
import { Panel } from './panel.tsx';

const maxRooms = 20;

/** Where the sockets are: the largest rooms, over all instances. */
export function Rooms({ status: { instances } }: { status: StatusAnswer }) {
  const gateways = openGateways(instances);
  const sockets = new Map<string, number>();
  for (const { gateway } of gateways)
    for (const each of gateway.largestRooms)
      sockets.set(each.room, (sockets.get(each.room) ?? 0) + each.sockets);
  const largest = [...sockets].toSorted((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).slice(0, maxRooms);
  const most = largest[0]?.[1] ?? 1;
  // A room may be on several instances: only of one is the number known.
  const all = gateways.length === 1 ? gateways[0]?.gateway.rooms : undefined;
  return (
    <Panel
      title="Rooms"
      testId="rooms"
      aside={
        all === undefined || all <= largest.length
          ? plural(largest.length, 'room')
          : `the largest ${largest.length} of ${countOf(all)}`
      }
    >
      {largest.length === 0 ? (
        <p className="panel-body soft">No sockets, no rooms.</p>
      ) : (
        <ol className="operator-rooms">
          {largest.map(([room, count]) => (
            <li key={room}>
              <span
                className="operator-bar"
                style={{ inlineSize: `${(100 * count) / most}%` }}
                aria-hidden="true"
              />
              <code className="ellipsis" title={room}>
                {room}
              </code>
              <span className="numeric">{plural(count, 'socket')}</span>
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}

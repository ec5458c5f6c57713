import type { Server } from 'socket.io';
import type { GatewayReport } from '../core/status.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { replayCountsOf } from '../gateway/replay-counts.ts';
import type { SessionWatch } from './session-watch.ts';

const maxRooms = 20;
/** As `roomOf` makes them; an application may have rooms of its own. */
const roomPattern = /^org:[A-Za-z0-9._~:-]+\*?$/;

/** What a gateway says of itself. */
export function describeGateway(
  { dispatcher, sessions }: Gateway,
  { io, watch, lag }: { io: Server; watch: SessionWatch; lag: number | null },
): GatewayReport {
  return {
    epoch: dispatcher.epoch,
    position: dispatcher.position,
    lag,
    ...watch.look(sessions),
    ...describeRooms(io.of('/').adapter.rooms),
    replays: replayCountsOf(dispatcher).report,
  };
}

/** Only the largest are ever sorted: there may be a room for each of very many units. */
export function describeRooms(
  all: ReadonlyMap<string, ReadonlySet<string>>,
): Pick<GatewayReport, 'rooms' | 'largestRooms'> {
  const largest: GatewayReport['largestRooms'] = [];
  let rooms = 0;
  for (const [room, { size: sockets }] of all) {
    if (!roomPattern.test(room)) continue;
    rooms += 1;
    if (largest.length === maxRooms && sockets <= (largest.at(-1)?.sockets ?? 0)) continue;
    const place = largest.findIndex((each) => each.sockets < sockets);
    largest.splice(place < 0 ? largest.length : place, 0, { room, sockets });
    largest.length = Math.min(largest.length, maxRooms);
  }
  return { rooms, largestRooms: largest };
}

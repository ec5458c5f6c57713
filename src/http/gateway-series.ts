import type { Server } from 'socket.io';
import { replayCountsOf } from '../gateway/replay-counts.ts';
import { describeRooms } from './describe-gateway.ts';
import type { Instance } from './instance.ts';
import type { MetricsRegistry } from './metrics-registry.ts';
import { countSessions } from './session-watch.ts';

/** Whom an instance serves, and what it delivers to them. */
export function gatewaySeries(registry: MetricsRegistry, { gateway }: Instance, io: Server): void {
  const { deliveries, dispatcher, refusals } = gateway;
  const replays = replayCountsOf(dispatcher);

  registry.number('commitcast_dispatched_position', () => dispatcher.position);
  registry.distributions('commitcast_dispatch_batch_events', () => [[{}, deliveries.batches]]);
  registry.number('commitcast_written_messages_total', () => deliveries.messages);

  registry.number('commitcast_connections', () => io.engine.clientsCount);
  registry.number('commitcast_sessions', () => io.of('/').sockets.size);
  registry.number('commitcast_streams', () => countSessions(gateway.sessions).streams);
  registry.number('commitcast_rooms', () => describeRooms(io.of('/').adapter.rooms).rooms);
  registry.numbers('commitcast_session_state', () => {
    const { live, catchingUp, slow } = countSessions(gateway.sessions);
    return [
      [{ state: 'live' }, live],
      [{ state: 'catching-up' }, catchingUp],
      [{ state: 'slow' }, slow],
    ];
  });
  registry.number('commitcast_sessions_opened_total', () => gateway.sessionTally.opened);
  registry.number('commitcast_slow_sessions_total', () => gateway.sessionTally.slow);
  registry.numbers('commitcast_sessions_closed_total', () =>
    Array.from(gateway.sessionTally.closed, ([code, count]) => [{ code }, count] as const),
  );
  registry.numbers('commitcast_refusals_total', () =>
    Array.from(refusals, ([what, code, count]) => [{ what, code }, count] as const),
  );
  registry.numbers('commitcast_limit_refusals_total', () =>
    Array.from(gateway.limits.refused, ([limit, { count }]) => [{ limit }, count] as const),
  );

  const bySource = (what: 'pages' | 'events' | 'sessions') => () => {
    const { memory, log } = replays.report;
    return [[{ source: 'memory' }, memory[what]] as const, [{ source: 'log' }, log[what]] as const];
  };
  registry.numbers('commitcast_replays_total', bySource('sessions'));
  registry.numbers('commitcast_replay_pages_total', bySource('pages'));
  registry.numbers('commitcast_replay_events_total', bySource('events'));
  registry.numbers('commitcast_resets_total', () =>
    Object.entries(replays.report.resets).map(([reason, count]) => [{ reason }, count] as const),
  );
}

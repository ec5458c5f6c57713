import { Counter, Gauge, type Registry } from 'prom-client';
import type { Server } from 'socket.io';
import { replayCountsOf } from '../gateway/replay-counts.ts';
import type { Instance } from './instance.ts';
import { countSessions } from './session-watch.ts';

/** What an instance knows of itself, looked at when it is scraped. */
export function instanceSeries(registry: Registry, instance: Instance, io: Server): void {
  const { gateway, problems } = instance;
  const { dispatcher } = gateway;
  const replays = replayCountsOf(dispatcher);
  const gauge = (name: string, help: string, read: () => number) => {
    const metric = new Gauge({
      name,
      help,
      registers: [],
      collect() {
        this.set(read());
      },
    });
    registry.registerMetric(metric);
  };
  gauge(
    'commitcast_dispatched_position',
    'Last position that this instance has delivered',
    () => dispatcher.position,
  );
  gauge('commitcast_relay_leading', '1 while the relay of this instance leads', () =>
    Number(instance.relay?.status.leading ?? false),
  );
  gauge('commitcast_sessions', 'Sockets connected to this instance', () => io.of('/').sockets.size);

  const states = new Gauge({
    name: 'commitcast_session_state',
    help: 'Sessions of this instance, over sockets and server-sent events, by what they do now',
    labelNames: ['state'],
    registers: [],
    collect() {
      const { live, catchingUp, slow } = countSessions(gateway.sessions);
      this.set({ state: 'live' }, live);
      this.set({ state: 'catching-up' }, catchingUp);
      this.set({ state: 'slow' }, slow);
    },
  });
  registry.registerMetric(states);

  const counter = (name: string, help: string, label: string, read: () => Record<string, number>) => {
    const metric = new Counter({
      name,
      help,
      labelNames: [label],
      registers: [],
      collect() {
        this.reset();
        for (const [value, count] of Object.entries(read())) this.inc({ [label]: value }, count);
      },
    });
    registry.registerMetric(metric);
  };
  const bySource = (what: 'pages' | 'events' | 'sessions') => () => {
    const { memory, log } = replays.report;
    return { memory: memory[what], log: log[what] };
  };
  const from = 'from recent events in memory, or from the log in the database';
  counter('commitcast_replay_pages_total', `Pages of replays, ${from}`, 'source', bySource('pages'));
  counter('commitcast_replay_events_total', `Events replayed, ${from}`, 'source', bySource('events'));
  counter('commitcast_replays_total', `Replays that got pages, ${from}`, 'source', bySource('sessions'));
  counter(
    'commitcast_resets_total',
    'Sessions that were told to load their state again',
    'reason',
    () => replays.report.resets,
  );
  counter('commitcast_log_lines_total', 'Lines logged as warnings and as errors', 'level', () => {
    const { warnings, errors } = problems.report;
    return { warn: warnings, error: errors };
  });
}

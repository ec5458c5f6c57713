import { stateTitles } from '../connection-status.tsx';
import { useNow } from '../now.ts';
import type { Happening, Span, Timeline } from '../timeline.ts';
import { useObservable } from '../use-observable.ts';
import { durationOf, secondOf } from '../words.ts';

const stripMs = 5 * 60_000;
const width = 1_000;

const tones: Readonly<Record<Happening['kind'], string | undefined>> = {
  connecting: undefined,
  'catching-up': 'accent',
  live: 'good',
  offline: 'bad',
  denied: 'bad',
  cut: 'warn',
  replayed: 'accent',
  reset: 'warn',
  token: undefined,
  scope: undefined,
  error: 'bad',
};

/** What has happened to the connection, with times; and as a strip of the last minutes. */
export function TimelinePanel({ timeline }: { timeline: Timeline }) {
  const { happenings, spans } = useObservable(timeline.view);
  const now = useNow(1_000);
  return (
    <div className="timeline" data-testid="timeline">
      <Strip spans={spans} now={now} />
      <ol className="happenings">
        {happenings.map(({ id, at, kind, text }) => (
          <li key={id} data-kind={kind}>
            <span className="dot" data-tone={tones[kind]} />
            <span>{text}</span>
            <time className="soft numeric" dateTime={new Date(at).toISOString()}>
              {secondOf(at)}
            </time>
          </li>
        ))}
        {happenings.length === 0 && <li className="soft">Nothing has happened yet.</li>}
      </ol>
    </div>
  );
}

/** The last five minutes, as long as they were: one bar for each state. */
function Strip({ spans, now }: { spans: readonly Span[]; now: number }) {
  const from = now - stripMs;
  const bars = spans.flatMap(({ from: begun, state }, index) => {
    const end = spans[index + 1]?.from ?? Math.max(now, begun);
    if (end <= from) return [];
    const start = Math.max(begun, from);
    return [{ key: begun, state, x: xOf(start - from), to: xOf(end - from), ms: end - begun }];
  });
  const offlineMs = bars.reduce((sum, { state, ms }) => (state === 'offline' ? sum + ms : sum), 0);
  return (
    <figure className="strip">
      <svg
        viewBox={`0 0 ${width} 20`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`The last five minutes: ${offlineMs === 0 ? 'never offline' : `offline for ${durationOf(offlineMs)}`}`}
      >
        {bars.map(({ key, state, x, to, ms }) => (
          <rect key={key} data-state={state} x={x} y="0" width={Math.max(4, to - x)} height="20">
            <title>{`${stateTitles[state]} for ${durationOf(ms)}`}</title>
          </rect>
        ))}
      </svg>
      <figcaption className="soft">
        <span>5 min ago</span>
        <span>now</span>
      </figcaption>
    </figure>
  );
}

function xOf(ms: number): number {
  return (ms / stripMs) * width;
}

import { useNow } from '../now.ts';
import { secondOf } from '../words.ts';
import { assess, type Finding, type Health } from './health.ts';
import { spanOf } from './quantities.ts';
import type { Seen, StatusState } from './use-status.ts';

/** An answer comes every two seconds; one that is a little late is no news. */
const staleMs = 6_000;

/** In one sentence: whether all is well, or what is wrong; then the rest, and how old all this is. */
export function HealthLine(props: {
  seen: Seen;
  failure: StatusState['failure'];
  onForgetToken: (() => void) | undefined;
}) {
  const { seen, failure, onForgetToken } = props;
  const now = useNow(1_000);
  const ageMs = Math.max(0, now - seen.at);
  const health = failure || ageMs > staleMs ? away(failure, seen) : assess(seen.status, seen.held);
  return (
    <section
      className="panel operator-health"
      data-tone={health.tone}
      aria-label="Health"
      data-testid="health"
    >
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d={icons[health.tone]} />
      </svg>
      <div className="operator-health-text">
        <p className="operator-headline" role="status" data-testid="health-headline">
          {health.headline}
        </p>
        {health.detail !== undefined && <p>{withCommands(health.detail)}</p>}
        {health.others.length > 0 && <Others findings={health.others} />}
      </div>
      <div className="operator-fresh">
        <span data-testid="freshness" className="numeric" title={`Last answer at ${secondOf(seen.at)}`}>
          {!failure && ageMs < staleMs ? 'Up to date' : `Last answer ${spanOf(ageMs)} ago`}
        </span>
        {onForgetToken && (
          <button type="button" className="button" onClick={onForgetToken}>
            Forget the admin token
          </button>
        )}
      </div>
    </section>
  );
}

/** What stands between backticks is a command. */
function withCommands(text: string) {
  return text.split('`').map((part, index) => (index % 2 === 1 ? <code key={part}>{part}</code> : part));
}

function Others({ findings }: { findings: readonly Finding[] }) {
  return (
    <ul className="operator-others" data-testid="health-others">
      {findings.map(({ text, detail, tone }) => (
        <li key={text} data-level={tone} title={detail}>
          {text}
        </li>
      ))}
    </ul>
  );
}

function away(failure: StatusState['failure'], { at }: Seen): Health {
  const why = failure?.kind === 'away' ? `: ${failure.reason}` : '';
  return {
    tone: 'bad',
    headline: `The server does not answer${why}`,
    detail: `What you see is as it was at ${secondOf(at)}. This page asks again every two seconds.`,
    others: [],
  };
}

const icons: Readonly<Record<Health['tone'], string>> = {
  good: 'M12 2.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19ZM7.5 12.2l3.1 3.1 5.9-6.2',
  warn: 'M12 3 22 20.5H2ZM12 9.5v5M12 17.4v.2',
  bad: 'M12 2.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19ZM12 7v6.2M12 16.4v.2',
};

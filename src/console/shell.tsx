import { useId, type ReactNode } from 'react';
import type { Connection } from './connection.ts';
import { ConnectionStatus, StagePill } from './connection-status.tsx';
import { CutMenu } from './cut-menu.tsx';
import { hrefOf, type Route } from './routes.ts';
import { ThemeToggle } from './theme/theme-toggle.tsx';
import type { SessionState } from './use-session.ts';

const titles: Readonly<Record<Route, string>> = { stream: 'Stream', units: 'Units', operator: 'Operator' };

/** The bar at the top, and the page below it. */
export function Shell(props: {
  route: Route;
  hasUnits: boolean;
  connection: Connection | undefined;
  stage: SessionState['stage'];
  picker: ReactNode;
  footer: ReactNode;
  onSignOut: (() => void) | undefined;
  children: ReactNode;
}) {
  const { route, connection, hasUnits } = props;
  const main = useId();
  const offered = (Object.keys(titles) as Route[]).filter((each) => each !== 'units' || hasUnits);
  return (
    <>
      <a className="skip" href={`#${main}`} onClick={(event) => skip(event, main)}>
        Skip to content
      </a>
      <header className="bar">
        <h1 className="brand">
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <circle cx="5" cy="12" r="2.2" />
            <path d="M10.5 7.5a6.4 6.4 0 0 1 0 9M14.5 4.5a10.6 10.6 0 0 1 0 15" />
          </svg>
          Commitcast
        </h1>
        <nav className="tabs" aria-label="Pages">
          {offered.map((each) => (
            <a
              key={each}
              href={hrefOf(each)}
              aria-current={each === route ? 'page' : undefined}
              data-testid={`tab-${each}`}
            >
              {titles[each]}
            </a>
          ))}
        </nav>
        <div className="bar-org">{props.picker}</div>
        <div className="bar-end">
          {connection ? (
            <>
              <ConnectionStatus connection={connection} />
              <CutMenu connection={connection} />
            </>
          ) : (
            <StagePill stage={props.stage} />
          )}
          {props.onSignOut && (
            <button type="button" className="button" data-testid="sign-out" onClick={props.onSignOut}>
              Use another token
            </button>
          )}
          <ThemeToggle />
        </div>
      </header>
      <main id={main} className="main" tabIndex={-1}>
        {props.children}
      </main>
      {props.footer}
    </>
  );
}

/** The hash is the route: the link must not change it. */
function skip(event: { preventDefault: () => void }, id: string): void {
  event.preventDefault();
  document.getElementById(id)?.focus();
}

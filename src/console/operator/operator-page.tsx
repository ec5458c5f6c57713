import './operator.css';
import './details.css';
import './phone.css';
import { useState } from 'react';
import { Access } from './access.tsx';
import { Consumers } from './consumers.tsx';
import { HealthLine } from './health-line.tsx';
import { Holding } from './holding.tsx';
import { Instances } from './instances-table.tsx';
import { LagChart, RateChart } from './charts.tsx';
import { adminToken, keepAdminToken } from './admin-token.ts';
import { Problems } from './problems.tsx';
import { Replays } from './replays.tsx';
import { Rooms } from './rooms.tsx';
import { SlowSessions } from './slow-sessions.tsx';
import { Tiles } from './tiles.tsx';
import { useStatus, type Seen } from './use-status.ts';

/** What the installation does, for whoever runs it. `token`: of whoever is signed in; on this machine none is needed. */
export function OperatorPage({ token }: { token: string | undefined }) {
  const [access, setAccess] = useState(() => ({ pasted: adminToken(), attempt: 0 }));
  const { seen, failure } = useStatus(access.pasted ?? token, access.attempt);
  const use = (pasted: string | undefined) => {
    keepAdminToken(pasted);
    setAccess({ pasted, attempt: access.attempt + 1 });
  };
  if (failure?.kind === 'refused')
    return <Access refusal={failure} isPasted={access.pasted !== undefined} onToken={use} />;
  if (!seen)
    return (
      <div className="panel empty" data-testid="operator-waiting" role="status">
        <strong>{failure ? 'The server does not answer' : 'Loading'}</strong>
        {failure && <p>So far, {failure.reason}. This page asks again every two seconds.</p>}
      </div>
    );
  return (
    <div className="operator" data-away={failure ? '' : undefined}>
      <HealthLine
        seen={seen}
        failure={failure}
        onForgetToken={access.pasted === undefined ? undefined : () => use(undefined)}
      />
      <Panels seen={seen} />
    </div>
  );
}

function Panels({ seen }: { seen: Seen }) {
  const { status } = seen;
  return (
    <>
      <Tiles status={status} />
      <div className="operator-pair">
        <RateChart seen={seen} />
        <LagChart seen={seen} />
      </div>
      <Holding seen={seen} />
      <Instances seen={seen} />
      <Consumers status={status} />
      <div className="operator-pair">
        <Rooms status={status} />
        <div className="operator-stack">
          <Replays status={status} />
          <SlowSessions seen={seen} />
        </div>
      </div>
      <Problems seen={seen} />
    </>
  );
}

import { StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { connect } from '../../../../src/client/index.ts';
import {
  CommitcastProvider,
  useCommitcast,
  useConnection,
  useEvents,
} from '../../../../src/client/react/index.ts';
import { lab, type Config } from './lab.ts';

/** A handler for everything, and one for each of two types. */
function Handlers({ scope, mark, throwsAt }: Config) {
  useEvents(scope, (event) => {
    lab.handled.push(`${mark}all ${event.position}`);
  });
  const { state, retry } = useEvents(scope, {
    opened: async ({ type, position }) => {
      if (type === throwsAt) throw new Error('not now');
      await Promise.resolve();
      lab.handled.push(`${mark}${type} ${position}`);
    },
    shut: ({ type, position }) => lab.handled.push(`${mark}${type} ${position}`),
  });
  useEffect(() => {
    lab.retry = retry;
  }, [retry]);
  return <output id="status">{state.name}</output>;
}

function Connection({ id }: { id: string }) {
  const { name } = useConnection();
  const client = useCommitcast();
  return <output id={id}>{client ? name : 'no client'}</output>;
}

/** A client of the application's own. */
const own = connect({ token: lab.config.token, url: lab.config.url || undefined });
Object.assign(globalThis, { own });

function App() {
  const [config, setConfig] = useState(lab.config);
  useEffect(() => {
    lab.change = (change) => setConfig((before) => ({ ...before, ...change }));
  }, []);
  return (
    <CommitcastProvider client={own}>
      <Connection id="outer" />
      {config.mounted && <Handlers {...config} />}
      <CommitcastProvider token={config.token} url={config.url || undefined}>
        <Connection id="inner" />
      </CommitcastProvider>
    </CommitcastProvider>
  );
}

const root = document.createElement('div');
document.body.append(root);
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);

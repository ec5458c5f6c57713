import { StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { CommitcastProvider, useConnection, useSubscription } from '../../../../src/client/react/index.ts';
import { lab, type Config } from './lab.ts';

interface Loaded {
  state: string[];
  cursor: string;
}

async function load({ reason, signal }: { reason: string; signal: AbortSignal }): Promise<Loaded> {
  lab.loads.push(reason);
  signal.addEventListener('abort', () => (lab.aborted += 1));
  return (await fetch('/snapshot', { signal })).json() as Promise<Loaded>;
}

/** Positions of the events of a scope, and what the reducer marks them with. */
function List({ scope, snapshot, mark, throwsAt }: Config) {
  const { state, status, error, retry } = useSubscription(
    scope,
    (list: string[] | undefined, event) => {
      if (event.type === throwsAt) throw new Error(`cannot handle ${event.type}`);
      return [...(list ?? []), `${mark}${event.position}`];
    },
    snapshot ? load : ([] as never),
  );
  useEffect(() => {
    lab.retry = retry;
  }, [retry]);
  useEffect(() => {
    lab.commits += 1;
  }, [state]);
  return (
    <>
      <output id="status">{status}</output>
      <output id="error">{error instanceof Error ? String(error) : ''}</output>
      <output id="list">{state ? state.join(' ') : 'nothing yet'}</output>
    </>
  );
}

function Connection() {
  const state = useConnection();
  return <output id="connection">{state.name}</output>;
}

function App() {
  const [config, setConfig] = useState(lab.config);
  useEffect(() => {
    lab.change = (change) => setConfig((before) => ({ ...before, ...change }));
  }, []);
  const { token, url, store, mounted } = config;
  return (
    <CommitcastProvider token={token} url={url || undefined} store={store}>
      <Connection />
      {mounted && <List {...config} />}
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

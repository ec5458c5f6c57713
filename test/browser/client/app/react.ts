import { createElement, StrictMode, useEffect, type ReactElement } from 'react';
import { createRoot } from 'react-dom/client';
import {
  CommitcastProvider,
  useCommitcast,
  useConnection,
  useEvents,
  useSubscription,
} from '../../../../src/client/react/index.ts';
import { browser } from './browser.ts';
import { History } from './history.ts';
import { connectOptions, handlerOf, options, show, snapshot, watch } from './page.ts';

/** The same list made with the hooks: the whole log by `useSubscription`, and each event of this tab by `useEvents`. */
const history = new History('react');
const handler = handlerOf(history);

function List(): ReactElement {
  const client = useCommitcast();
  const connection = useConnection();
  useEffect(() => (client ? watch(client) : undefined), [client]);
  useEvents(options.scope, handler);
  const { state, status } = useSubscription(
    options.scope,
    (positions: readonly number[], { position }) => [...positions, position],
    snapshot as () => Promise<{ state: readonly number[]; cursor: string }>,
  );
  return createElement(
    'p',
    { 'data-connection': connection.name, 'data-status': status },
    JSON.stringify(state ?? []),
  );
}

createRoot(browser.document.getElementById('list')).render(
  createElement(StrictMode, null, createElement(CommitcastProvider, connectOptions, createElement(List))),
);
show(history);

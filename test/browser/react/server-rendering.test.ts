import { createElement, type ReactElement } from 'react';
import { renderToString } from 'react-dom/server';
import { expect, it } from 'vitest';
import {
  CommitcastProvider,
  useCommitcast,
  useConnection,
  useEvents,
  useSubscription,
} from '../../../src/client/react/index.ts';
import { watchLeaks } from '../../support/leaks.ts';

const notYet = () => {
  throw new Error('called on the server');
};

function Page(): ReactElement {
  const client = useCommitcast();
  const { name } = useConnection();
  const { state } = useEvents({ deep: true }, notYet);
  const counted = useSubscription({ unit: 'u1' }, notYet, 41);
  const loaded = useSubscription({ unit: 'u1' }, notYet, notYet);
  return createElement(
    'p',
    null,
    [typeof client, name, state.name, counted.state, counted.status, typeof loaded.state].join(' '),
  );
}

it('is rendered on a server with the initial state, and nothing is connected there', async () => {
  const expectNoLeaks = await watchLeaks();
  const tree = createElement(CommitcastProvider, { token: notYet, store: 'session' }, createElement(Page));
  expect('window' in globalThis).toBe(false);
  expect(renderToString(tree)).toBe('<p>undefined connecting waiting 41 waiting undefined</p>');
  await expectNoLeaks();
});

it('hooks without a provider wait, as before the first connection', () => {
  expect(renderToString(createElement(Page))).toBe(
    '<p>undefined connecting waiting 41 waiting undefined</p>',
  );
});

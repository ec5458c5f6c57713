import { connect } from '../../../../src/client/index.ts';
import { browser } from './browser.ts';
import { History } from './history.ts';
import { connectOptions, handlerOf, options, show, snapshot, watch } from './page.ts';

/** A live list made with the client alone. */
const history = new History('client');
const client = connect(connectOptions);
watch(client);

const list = client.subscribe(options.scope);
if (options.loads)
  list.onReset(async ({ reason }) => {
    const { cursor } = await snapshot();
    history.add({ reason, cursor });
    return cursor;
  });
list.on('*', handlerOf(history));
list.on('*', ({ position }) => {
  const item = browser.document.createElement('li');
  item.textContent = String(position);
  browser.document.getElementById('list').append(item);
});
show(history);

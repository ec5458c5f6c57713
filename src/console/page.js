import { Board } from './board.js';
import { byId, make, setText } from './dom.js';
import { fetchSession, keepToken, orgOfToken, pastedToken } from './session.js';

/**
 * @typedef {import('./feed.js').State} State
 * @typedef {import('./feed.js').Reason} Reason
 */

const cutMs = 5_000;
const chosenKey = 'commitcast:org';

/** @type {Record<State, string>} */
const titles = {
  connecting: 'Connecting',
  'catching-up': 'Catching up',
  live: 'Live',
  offline: 'Offline',
  refused: 'Refused',
};

const status = byId('state');
const [title, elapsed] = /** @type {[HTMLElement, HTMLElement]} */ ([...status.children].slice(1));
const notice = byId('notice');
const cut = /** @type {HTMLButtonElement} */ (byId('cut'));
const login = byId('login');
const field = /** @type {HTMLTextAreaElement} */ (byId('token'));
const picker = byId('orgs');
const forget = byId('forget');

/** @type {import('./session.js').Session} */
let session = { demo: false, orgs: [] };
/** @type {number | undefined} */
let offlineSince;
/** @type {number | undefined} */
let backAt;

const board = new Board({ renew, onState: show });

/**
 * @param {State} state
 * @param {Reason} [reason]
 */
function show(state, reason) {
  if (state === 'live' || state === 'refused') offlineSince = undefined;
  if (state === 'offline') offlineSince ??= performance.now();
  if (state !== 'offline') backAt = undefined;
  // An attempt that is about to fail is still offline.
  const shown = state === 'connecting' && offlineSince !== undefined ? 'offline' : state;
  status.dataset['state'] = shown;
  status.title = reason?.message ?? '';
  setText(title, titles[shown]);
  cut.disabled = state !== 'live';
  if (state === 'refused') complain(`${reason?.code ?? 'Refused'}: ${reason?.message ?? ''}`);
  else if (state !== 'connecting') complain('');
  if (state === 'refused' && session.orgs.length === 0) askForToken();
  tick();
}

/** @param {string} text */
function complain(text) {
  notice.hidden = text === '';
  setText(notice, text);
}

function tick() {
  const now = performance.now();
  const seconds = offlineSince === undefined ? '' : `${Math.floor((now - offlineSince) / 1_000)} s`;
  setText(elapsed, seconds);
  setText(
    cut,
    backAt === undefined
      ? `Cut connection for ${cutMs / 1_000} s`
      : `Cut, back in ${Math.max(0, Math.ceil((backAt - now) / 1_000))} s`,
  );
  board.tick();
}

/** A new token for the org that is shown, if the server gives tokens. */
async function renew() {
  try {
    session = await fetchSession();
  } catch {
    return undefined;
  }
  const token = session.orgs.find(({ id }) => id === sessionStorage.getItem(chosenKey))?.token;
  if (token !== undefined) board.token = token;
  return token;
}

/** @param {string} id */
function open(id) {
  const org = session.orgs.find((each) => each.id === id) ?? session.orgs[0];
  if (!org) return;
  sessionStorage.setItem(chosenKey, org.id);
  offlineSince = undefined;
  board.open(org);
}

function askForToken() {
  board.close();
  login.hidden = false;
  forget.hidden = true;
  byId('units').replaceChildren();
}

/** @param {string} token */
function openWithToken(token) {
  login.hidden = true;
  forget.hidden = false;
  offlineSince = undefined;
  board.open(orgOfToken(token));
}

function drawPicker() {
  const chosen = sessionStorage.getItem(chosenKey) ?? session.orgs[0]?.id;
  for (const { id, name } of session.orgs) {
    const radio = make('input', { type: 'radio', name: 'org', value: id });
    radio.checked = id === chosen;
    radio.addEventListener('change', () => open(id));
    picker.append(make('label', {}, radio, make('span', {}, name)));
  }
  picker.hidden = false;
}

async function begin() {
  for (;;) {
    try {
      session = await fetchSession();
      break;
    } catch {
      show('offline', { message: 'the server does not answer' });
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  }
  byId('credit').hidden = !session.demo;
  if (session.orgs.length > 0) {
    drawPicker();
    open(sessionStorage.getItem(chosenKey) ?? '');
    return;
  }
  const token = pastedToken();
  if (token === null) {
    askForToken();
    show('connecting');
    setText(title, 'Not signed in');
  } else openWithToken(token);
}

cut.addEventListener('click', () => {
  backAt = performance.now() + cutMs;
  board.cut(cutMs);
  tick();
});
login.addEventListener('submit', (event) => {
  event.preventDefault();
  const token = field.value.trim();
  field.value = '';
  keepToken(token);
  openWithToken(token);
});
forget.addEventListener('click', () => {
  keepToken(null);
  complain('');
  askForToken();
});
addEventListener('pagehide', () => board.save());
setInterval(tick, 1_000);
await begin();

/** `index.html` of the application that `init` writes. */
export const page = `<!doctype html>
<html lang="en">
  <meta charset="utf-8" />
  <meta name="viewport" content="width=device-width" />
  <title>Notes</title>
  <script type="importmap">
    {
      "imports": {
        "commitcast/client": "/commitcast/client/index.js",
        "socket.io-client": "/socket.io/socket.io.esm.min.js"
      }
    }
  </script>
  <form id="form">
    <input name="text" aria-label="Note" required maxlength="1000" autofocus />
    <button>Add</button>
  </form>
  <output id="state"></output>
  <ul id="list"></ul>
  <script type="module">
    import { connect } from 'commitcast/client';

    const [form, state, list] = ['form', 'state', 'list'].map((id) => document.getElementById(id));
    const show = ({ text }) =>
      list.append(Object.assign(document.createElement('li'), { textContent: text }));

    const client = connect({ token: () => fetch('/token').then((answer) => answer.text()) });
    client.onState(({ name }) => (state.value = name));

    // The notes are loaded with the cursor that they stand for; each event after it comes once.
    const load = async ({ signal }) => {
      const { notes, cursor } = await (await fetch('/notes', { signal })).json();
      list.replaceChildren();
      notes.forEach(show);
      return cursor;
    };
    client.subscribe({}, { load }).on('note.added', ({ data }) => show(data));

    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      const body = JSON.stringify({ text: new FormData(form).get('text') });
      const headers = { 'content-type': 'application/json' };
      try {
        const answer = await fetch('/notes', { method: 'POST', headers, body });
        if (!answer.ok) throw new Error(await answer.text());
        form.reset();
      } catch (error) {
        alert(\`Not added: \${error.message}\`);
      }
    });
  </script>
</html>
`;

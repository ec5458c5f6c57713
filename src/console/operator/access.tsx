import { useState } from 'react';
import { TokenField } from '../token-field.tsx';
import { Command } from './command.tsx';

const command = 'npx commitcast token --org acme --role admin';

/** Who is not let in: how to get in. */
export function Access(props: {
  refusal: { code: string; message: string };
  /** Whether it was a pasted token that was refused. */
  isPasted: boolean;
  onToken: (token: string) => void;
}) {
  const { refusal, isPasted, onToken } = props;
  const [token, setToken] = useState('');
  return (
    <form
      className="panel operator-access"
      data-testid="operator-access"
      onSubmit={(event) => {
        event.preventDefault();
        setToken('');
        onToken(token.trim());
      }}
    >
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d="M6 11V8a6 6 0 0 1 12 0v3M5 11h14v9H5zM12 14.5v2.5" />
      </svg>
      <h2>This page is for operators</h2>
      <p className="soft">
        It shows all orgs’ rooms, sessions and consumers, and no event data. On the server’s own machine, open
        it as <code>localhost</code>: no token is needed. From elsewhere, it takes a token whose role is{' '}
        <code>admin</code>.
      </p>
      {isPasted && (
        <p className="notice" data-tone="bad" role="alert" data-testid="operator-refusal">
          {refusalText(refusal)}
        </p>
      )}
      <div className="operator-step">
        <span className="label soft">Where the server runs, this prints one that is valid for a while:</span>
        <Command text={command} />
      </div>
      <TokenField
        label="Admin token, kept in this tab only"
        testId="operator-token"
        token={token}
        onChange={setToken}
      />
      <button type="submit" className="button primary">
        Show the installation
      </button>
    </form>
  );
}

function refusalText({ code, message }: { code: string; message: string }): string {
  if (code === 'ADMIN_REQUIRED') return 'ADMIN_REQUIRED: that token is valid, but its role is not admin.';
  return message === '' ? code : `${code}: ${message}`;
}

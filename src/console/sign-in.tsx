import { useId, useState } from 'react';

/** Where the server offers no org: a token is pasted. */
export function SignIn({ onToken, problem }: { onToken: (token: string) => void; problem?: string }) {
  const [token, setToken] = useState('');
  const id = useId();
  return (
    <form
      className="panel sign-in"
      data-testid="sign-in"
      onSubmit={(event) => {
        event.preventDefault();
        setToken('');
        onToken(token.trim());
      }}
    >
      <h2>Sign in with a token</h2>
      {problem !== undefined && (
        <p className="notice" data-tone="bad" role="alert" data-testid="problem">
          {problem}
        </p>
      )}
      <div className="field">
        <label htmlFor={id}>
          A JWT with <code>sub</code> and <code>org_id</code>, kept in this tab only
        </label>
        <textarea
          id={id}
          className="input"
          data-testid="token"
          rows={5}
          required
          spellCheck={false}
          autoComplete="off"
          value={token}
          onChange={(event) => setToken(event.target.value)}
        />
      </div>
      <button type="submit" className="button primary">
        Connect
      </button>
      <p className="soft">
        In development <code>npx commitcast token --org acme</code> prints one.
      </p>
    </form>
  );
}

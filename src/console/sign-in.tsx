import { useState } from 'react';
import { TokenField } from './token-field.tsx';

/** Where the server offers no org: a token is pasted. */
export function SignIn({ onToken, problem }: { onToken: (token: string) => void; problem?: string }) {
  const [token, setToken] = useState('');
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
      <TokenField
        label={
          <>
            A JWT with <code>sub</code> and <code>org_id</code>, kept in this tab only
          </>
        }
        testId="token"
        token={token}
        onChange={setToken}
      />
      <button type="submit" className="button primary">
        Connect
      </button>
      <p className="soft">
        In development <code>npx commitcast token --org acme</code> prints one.
      </p>
    </form>
  );
}

import { useId, type ReactNode } from 'react';

/** Where a token is pasted; nothing remembers it, and nothing corrects it. */
export function TokenField(props: {
  label: ReactNode;
  testId: string;
  token: string;
  onChange: (token: string) => void;
}) {
  const { label, testId, token, onChange } = props;
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <textarea
        id={id}
        className="input"
        data-testid={testId}
        rows={5}
        required
        spellCheck={false}
        autoComplete="off"
        value={token}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  );
}

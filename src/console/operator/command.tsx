import { useEffect, useState } from 'react';

const toldMs = 1_600;

/** A command to copy; where the browser gives no clipboard (over plain HTTP), a click on it selects it whole. */
export function Command({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [copies, setCopies] = useState(0);
  const [isTold, setIsTold] = useState(false);
  useEffect(() => {
    if (copies === 0) return undefined;
    setIsTold(true);
    const timer = setTimeout(() => setIsTold(false), toldMs);
    return () => clearTimeout(timer);
  }, [copies]);
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => setCopies((before) => before + 1),
      () => {
        // Forbidden: the text is there to be selected.
      },
    );
  };
  return (
    <span className="operator-command">
      <code>{text}</code>
      {'clipboard' in navigator && (
        <button type="button" className="button bare" onClick={copy} aria-label={`${label}: ${text}`}>
          {isTold ? 'Copied' : 'Copy'}
        </button>
      )}
      <span className="visually-hidden" role="status">
        {isTold ? 'Copied' : ''}
      </span>
    </span>
  );
}

import { useRef } from 'react';
import type { Connection } from './connection.ts';
import { useNow } from './now.ts';
import { useDismiss } from './use-dismiss.ts';
import { useObservable } from './use-observable.ts';

const choices = [5, 15, 60];

/** Cuts this browser's connection for some seconds, to see what it does about it. */
export function CutMenu({ connection }: { connection: Connection }) {
  const { shown, backAt } = useObservable(connection.status.view);
  const root = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useDismiss(root);
  const now = useNow(500);
  if (backAt !== undefined)
    return (
      <button type="button" className="button" data-testid="mend" onClick={() => connection.mend()}>
        Back in {Math.max(0, Math.ceil((backAt - now) / 1_000))} s
        <span className="visually-hidden">, or reconnect now</span>
      </button>
    );
  return (
    <div className="menu" ref={root}>
      <button
        type="button"
        className="button"
        data-testid="cut"
        disabled={shown !== 'live'}
        aria-expanded={isOpen}
        title="Ends this browser's connection for some seconds; what is missed meanwhile is replayed"
        onClick={() => setOpen(!isOpen)}
      >
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M6 10 14 3M6 6l8 7M5.8 4.4a1.9 1.9 0 1 1-3.8 0 1.9 1.9 0 0 1 3.8 0ZM5.8 11.6a1.9 1.9 0 1 1-3.8 0 1.9 1.9 0 0 1 3.8 0Z" />
        </svg>
        Cut
      </button>
      {isOpen && (
        <div className="menu-list">
          <p className="soft">Cut this browser’s connection for</p>
          {choices.map((seconds) => (
            <button
              key={seconds}
              type="button"
              className="button"
              data-testid={`cut-${seconds}`}
              onClick={() => {
                setOpen(false);
                connection.cut(seconds * 1_000);
              }}
            >
              {seconds} s
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

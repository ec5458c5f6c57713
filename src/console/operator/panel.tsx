import { useId, type ReactNode } from 'react';

/** A region with a heading; `aside` is what its head says at the end. */
export function Panel(props: {
  title: string;
  testId: string;
  aside?: ReactNode;
  alarm?: 'bad' | 'warn' | undefined;
  children: ReactNode;
}) {
  const id = useId();
  return (
    <section
      className="panel operator-panel"
      aria-labelledby={id}
      data-testid={props.testId}
      data-alarm={props.alarm}
    >
      <div className="panel-head">
        <h2 id={id}>{props.title}</h2>
        {props.aside !== undefined && <p className="end soft numeric">{props.aside}</p>}
      </div>
      {props.children}
    </section>
  );
}

import { momentOf, spanOf } from './quantities.ts';

/** A moment that was `ms` before `at`, with the exact time to hover. */
export function Ago({ ms, at }: { ms: number; at: number }) {
  const moment = at - ms;
  return (
    <time dateTime={new Date(moment).toISOString()} title={momentOf(moment)}>
      {ms < 1_000 ? 'now' : `${spanOf(ms)} ago`}
    </time>
  );
}

/** A duration up to `at`; its title says when it began. */
export function For({ ms, at }: { ms: number; at: number }) {
  const moment = at - ms;
  return (
    <time dateTime={new Date(moment).toISOString()} title={`since ${momentOf(moment)}`}>
      {spanOf(ms)}
    </time>
  );
}

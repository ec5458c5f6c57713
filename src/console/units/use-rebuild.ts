import { useEffect, useRef, useState } from 'react';
import { sleep } from '../../core/sleep.ts';
import type { Org } from '../session.ts';
import { askModel } from './ask-model.ts';
import { isRebuilding } from './load-units.ts';

export interface Rebuild {
  readonly position: number;
  readonly head: number;
}

const idleMs = 2_500;
const busyMs = 400;

/** How far the read model is while it is made anew, or far behind for another reason. The units do not wait for it. */
export function useRebuild(org: Org): Rebuild | undefined {
  const [rebuild, setRebuild] = useState<Rebuild>();
  const latest = useRef(org);
  useEffect(() => {
    latest.current = org;
  });
  useEffect(() => {
    const stopped = new AbortController();
    void watch(() => latest.current, setRebuild, stopped.signal);
    return () => stopped.abort();
  }, []);
  return rebuild;
}

async function watch(org: () => Org, tell: (rebuild: Rebuild | undefined) => void, signal: AbortSignal) {
  let isBusy = false;
  while (!signal.aborted) {
    if (!document.hidden) {
      const model = await askModel(org(), undefined, signal).catch(() => undefined);
      if (signal.aborted) return;
      isBusy = model !== undefined && isRebuilding(model);
      tell(isBusy && model ? { position: model.position, head: model.head } : undefined);
    }
    await sleep(isBusy ? busyMs : idleMs, signal);
  }
}

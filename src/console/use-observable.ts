import { useSyncExternalStore } from 'react';
import type { Observable } from './observable.ts';

export function useObservable<State extends object>(observable: Observable<State>): State {
  return useSyncExternalStore(observable.subscribe, observable.get);
}

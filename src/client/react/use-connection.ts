import { useCallback, useSyncExternalStore } from 'react';
import type { ConnectionState } from '../state.ts';
import { useCommitcast } from './context.ts';

const connecting: ConnectionState = { name: 'connecting', attempt: 0, renew: false };

/** The state of the connection: `connecting`, `catching-up`, `live`, `offline`, `denied` or `closed`, with the reason. */
export function useConnection(): ConnectionState {
  const client = useCommitcast();
  return useSyncExternalStore(
    useCallback((changed) => client?.onState(changed) ?? (() => undefined), [client]),
    () => client?.state ?? connecting,
    () => connecting,
  );
}

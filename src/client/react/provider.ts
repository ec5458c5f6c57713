import { createElement, useEffect, useRef, useState, type ReactElement, type ReactNode } from 'react';
import type { CommitcastClient, ConnectOptions } from '../api.ts';
import { connect } from '../connect.ts';
import { Context } from './context.ts';

/** Whatever its events are. */
type AnyClient = Omit<CommitcastClient, 'subscribe'> & { readonly subscribe: object };

/** Either a client that you have made, and close; or what `connect` takes, and the provider makes and closes one. */
export type CommitcastProviderProps = { children?: ReactNode } & (
  | ({ client: AnyClient } & { [Option in keyof ConnectOptions]?: never })
  | ({ client?: never } & ConnectOptions)
);

/**
 * Gives the hooks below it their client. It connects after the first render, on the browser only, and anew when `url`,
 * `org` or `store` is another one; of `token`, the latest is used when one is needed.
 *
 * @example
 * <CommitcastProvider token={() => fetch('/token').then((answer) => answer.text())}><App /></CommitcastProvider>
 */
export function CommitcastProvider({ children, client, ...options }: CommitcastProviderProps): ReactElement {
  const own = useOwnClient(client ? undefined : (options as ConnectOptions));
  return createElement(
    Context.Provider,
    { value: (client as CommitcastClient | undefined) ?? own },
    children,
  );
}

function useOwnClient(options: ConnectOptions | undefined): CommitcastClient | undefined {
  const [own, setOwn] = useState<{ client: CommitcastClient; begin: () => void }>();
  const latest = useRef(options);
  const { url, org, store, token } = options ?? {};
  const isOwn = options !== undefined;
  useEffect(() => {
    latest.current = options;
  });
  useEffect(() => {
    if (!latest.current) return undefined;
    let begin = () => {};
    const subscribed = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const client = connect({
      ...latest.current,
      token: async () => {
        await subscribed;
        const current = latest.current?.token ?? '';
        return typeof current === 'function' ? current() : current;
      },
    });
    setOwn({ client, begin });
    return () => {
      setOwn(undefined);
      begin();
      void client.close();
    };
    // A store that is made anew in each render is the same store.
  }, [isOwn, url, org, typeof store === 'string' ? store : undefined]);
  // The effects of what is below come first: they have subscribed, and the first handshake names all that they want.
  useEffect(() => own?.begin(), [own]);
  const text = typeof token === 'string' ? token : undefined;
  useEffect(() => {
    // Another token than the one that was refused.
    if (own?.client.state.name === 'denied') own.client.connect();
  }, [own, text]);
  return own?.client;
}

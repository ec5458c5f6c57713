import type { Subscription } from '../../../../src/client/index.ts';

/** What a test tells a page to do. */
export interface Config {
  token: string;
  /** `null`: the component subscribes to nothing. */
  scope: Subscription | null;
  /** Whether the state is loaded from `/snapshot`, or begins empty. */
  snapshot: boolean;
  mounted: boolean;
  /** Of the present reducer or handler: what it marks events with. */
  mark: string;
  /** The reducer or handler throws at this type of events. */
  throwsAt: string;
  store: 'memory' | 'session';
  /** Empty: where the page comes from. */
  url: string;
}

/** What a test can see of a page, and change. */
export interface Lab {
  config: Config;
  /** Renders again with another configuration. */
  change(config: Partial<Config>): void;
  /** Handler calls, in order. */
  readonly handled: string[];
  /** Times that a list has shown something else: what a user would see, without the second call of StrictMode. */
  commits: number;
  /** Reasons of the loads that were begun. */
  readonly loads: string[];
  /** Loads that were told that nobody wants them any more. */
  aborted: number;
  retry: () => void;
}

export const lab: Lab = {
  config: {
    token: '',
    scope: { deep: true },
    snapshot: false,
    mounted: true,
    mark: '',
    throwsAt: '',
    store: 'memory',
    url: '',
    ...(globalThis as { config?: Partial<Config> }).config,
  },
  change: () => undefined,
  handled: [],
  commits: 0,
  loads: [],
  aborted: 0,
  retry: () => undefined,
};

Object.assign(globalThis, { lab });

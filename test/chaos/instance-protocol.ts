/** What the runner and the process of an instance tell each other over IPC. */
export interface InstanceConfig {
  databaseUrl: string;
  /** 0: any. */
  port: number;
  secret: string;
  adapter: 'postgres' | 'redis';
  redisUrl: string | undefined;
  continuity: boolean;
  atomic: boolean;
  seed: number;
  /** File for its log. */
  log: string;
}

export interface AdapterShares {
  drop: number;
  repeat: number;
  reorder: number;
  forge: number;
}

/** What an instance holds open, after a garbage collection. */
export interface Leftovers {
  /** By kind, of `process.getActiveResourcesInfo()`. */
  resources: Record<string, number>;
  /** Sockets that Socket.IO knows. */
  sockets: number;
  /** Listeners of the server, its namespace and adapter, the HTTP server and the process. */
  listeners: number;
  heapBytes: number;
}

export type ToInstance = { kind: 'disturb'; shares: AdapterShares } | { kind: 'count'; id: number };

export type FromInstance =
  | { kind: 'listening'; port: number }
  | { kind: 'status'; leading: boolean; disturbed: Record<string, number>; handed: Record<string, number> }
  | { kind: 'counted'; id: number; leftovers: Leftovers }
  | { kind: 'failed'; message: string };

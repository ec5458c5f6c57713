import type { Server } from 'socket.io';

export type Engine = Server['engine'];

/** Calls back with each engine that the server has or gets. */
export function eachEngine(io: Server, use: (engine: Engine) => void): void {
  // The type says otherwise, but a server that is not attached yet has no engine.
  const engine = io.engine as Engine | undefined;
  if (engine) use(engine);
  // Socket.IO says nowhere that it was attached; but it gives each engine to this method.
  const bind = io.bind.bind(io);
  io.bind = (later: Engine) => {
    use(later);
    return bind(later);
  };
}

import { sleep } from '../../src/core/sleep.ts';
import type { Random } from '../support/random.ts';
import { choose, othersThan, type FaultKind, type World } from './faults.ts';
import type { ChaosInstance } from './instance.ts';

const roles = [
  [true, 'leader'],
  [false, 'follower'],
] as const;

/** A leader that was killed is replaced when its session has ended; one that was not leading is not missed. */
const kills = roles.map(([leader, role]): FaultKind => ({
  name: `kill -9 of the ${role}`,
  goalMs: leader ? 2_000 : 1_000,
  async inject(world, random) {
    const instance = choose(world, random, leader);
    if (!instance) return undefined;
    instance.busy = true;
    const watch = othersThan(world, instance);
    const since = performance.now();
    await instance.kill();
    return {
      since,
      watch,
      note: instance.name,
      async heal() {
        try {
          await instance.restart();
        } finally {
          instance.busy = false;
        }
        return { since: performance.now(), watch: [instance] };
      },
    };
  },
}));

/** SIGSTOP: its sessions and its locks stay, and it does nothing. */
const freezes = roles.map(([leader, role]): FaultKind => ({
  name: `frozen ${role}`,
  goalMs: leader ? 10_000 : 1_000,
  async inject(world, random) {
    const instance = choose(world, random, leader);
    if (!instance) return undefined;
    const frozenMs = 2_000 + random.below(5_000);
    instance.busy = true;
    const watch = othersThan(world, instance);
    const since = performance.now();
    instance.freeze();
    return {
      since,
      watch,
      note: `${instance.name}, ${frozenMs} ms at least`,
      async heal() {
        await sleep(since + frozenMs - performance.now(), world.signal);
        instance.thaw();
        instance.busy = false;
        return { since: performance.now(), watch: [instance] };
      },
    };
  },
}));

/**
 * Nothing passes between the instance and Postgres, and nobody is told: it must notice by itself, and connect anew.
 * Then the silent connections are ended, as the server's keepalive would end them in half a minute; with a proxy that
 * can only be done to all.
 */
const blackHoles = roles.map(([leader, role]): FaultKind => ({
  name: `black hole of the ${role}`,
  goalMs: 15_000,
  async inject(world, random) {
    const instance = choose(world, random, leader);
    if (!instance) return undefined;
    const others = othersThan(world, instance);
    instance.busy = true;
    const since = performance.now();
    instance.proxy.blackHole();
    return {
      since,
      watch: [instance, ...others],
      note: instance.name,
      heal() {
        const cutAt = performance.now();
        instance.proxy.cut();
        instance.busy = false;
        return Promise.resolve({ since: cutAt, watch: [instance, ...others] });
      },
    };
  },
}));

const cut: FaultKind = {
  name: 'connections cut',
  goalMs: 2_000,
  inject(world, random) {
    const instance = anyOf(world, random);
    if (!instance) return Promise.resolve(undefined);
    const since = performance.now();
    instance.proxy.cut();
    return Promise.resolve({ since, watch: [instance], note: `${instance.name}, all to Postgres` });
  },
};

function anyOf(world: World, random: Random): ChaosInstance | undefined {
  return choose(world, random, random.chance(1 / 3)) ?? choose(world, random, false);
}

export const instanceFaults: readonly FaultKind[] = [...kills, ...freezes, ...blackHoles, cut];

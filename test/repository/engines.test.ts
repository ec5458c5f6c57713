import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { satisfies } from 'semver';
import { describe, expect, it } from 'vitest';
import { root } from './source-files.ts';

interface LockedPackage {
  engines?: { node?: string } | string[];
  resolved?: string;
}

/** The oldest Node.js that the package promises to run on. */
const oldestNode = '20.19.0';

const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, LockedPackage>;
};

describe('the lockfile', () => {
  it(`has only packages that run on Node ${oldestNode}`, () => {
    const tooNew = Object.entries(packages).flatMap(([path, { engines }]) => {
      const range = Array.isArray(engines) ? undefined : engines?.node;
      return range === undefined || satisfies(oldestNode, range)
        ? []
        : [`${path || 'commitcast'} needs node ${range}`];
    });
    expect(tooNew).toEqual([]);
  });

  it('names no registry, so that every machine installs from its own', () => {
    const resolved = Object.keys(packages).filter((path) => packages[path]?.resolved !== undefined);
    expect(resolved).toEqual([]);
  });
});

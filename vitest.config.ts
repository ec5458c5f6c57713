import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // Real Postgres, sockets and browsers: a test waits for a condition, so limits are generous.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 60_000,
    // Two cores are shared with Postgres itself; but most of the time a test waits.
    maxWorkers: 3,
    pool: 'forks',
  },
});

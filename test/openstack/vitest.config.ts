import { defineConfig } from 'vitest/config'

// One process, one file after another: they share one OpenStack.
export default defineConfig({
  test: {
    include: ['test/openstack/**/*.test.ts', 'test/browser/**/*.test.ts'],
    setupFiles: ['test/openstack/no-bypass.ts'],
    fileParallelism: false,
    isolate: false,
    maxWorkers: 1,
    testTimeout: 120_000,
    // A poll waits for what must come; how long that takes is no assertion.
    expect: { poll: { timeout: 10_000 } },
    hookTimeout: 600_000,
    reporters: ['default'],
    slowTestThreshold: 10_000,
  },
})

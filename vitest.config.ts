import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/openstack/**', 'test/browser/**'],
    // Most of them wait for something: one core less, vitest's own choice, would leave half of two idle.
    maxWorkers: '100%',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A poll waits for what must come; how long that takes is no assertion.
    expect: { poll: { timeout: 10_000 } },
    slowTestThreshold: 5_000,
  },
})

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/openstack/**', 'test/browser/**'],
    testTimeout: 30_000,
    slowTestThreshold: 5_000,
  },
})

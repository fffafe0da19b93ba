import { defineConfig } from "vitest/config";

const build = "test/support/global-setup.ts";

export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: "here",
          include: ["test/**/*.test.ts", "test/**/*.test.tsx"],
          exclude: ["test/stores/**"],
          globalSetup: [build],
        },
      },
      {
        extends: true,
        // On real object stores, which are started for them.
        test: { name: "stores", include: ["test/stores/**/*.test.ts"], globalSetup: [build, "test/stores/setup.ts"] },
      },
    ],
  },
});

import { providedBin } from "../../scripts/provided-postgres.ts";

/**
 * Directory with the programs of another major version than the system's, as `scripts/other-postgres.ts` provides it; null
 * where it was not run. Throws when REQUIRE_TESTS says that its tests may not be skipped (`postgres17`).
 */
export function otherMajor(major: number): string | null {
  const bin = providedBin(major);
  const required = (process.env["REQUIRE_TESTS"] ?? "").split(",").includes(`postgres${major}`);
  if (bin === null && required)
    throw new Error(`REQUIRE_TESTS: PostgreSQL ${major} is not here; run node scripts/other-postgres.ts ${major}`);
  return bin;
}

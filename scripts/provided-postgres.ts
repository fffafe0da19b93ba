// Where PostgreSQL of other major versions than the system's own lie, for tests. Nothing is installed for it.
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Debian's release that has a major version. */
export const suites: ReadonlyMap<number, string> = new Map([
  [17, "trixie"],
  [18, "sid"],
]);

/** Directories that are looked into; root's is first, because the servers' own user must be able to read it. */
function places(): readonly string[] {
  const own = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return ["/var/cache/pgrescue-tests", join(own, "pgrescue-tests")];
}

/** The directory that this user keeps such versions in. */
export function placeToFill(): string {
  const [shared = "", own = ""] = places();
  return process.getuid?.() === 0 ? shared : own;
}

/** Directory of the programs below a tree with Debian's files. */
export function binBelow(tree: string, major: number): string {
  return join(tree, "usr", "lib", "postgresql", String(major), "bin");
}

/** Directory with the programs of a major version that `scripts/other-postgres.ts` has provided; null when it has not. */
export function providedBin(major: number): string | null {
  const suite = suites.get(major) ?? "";
  const bins = places().map((place) => binBelow(join(place, suite), major));
  return bins.find((bin) => existsSync(join(bin, "postgres"))) ?? null;
}

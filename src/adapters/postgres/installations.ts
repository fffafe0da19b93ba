import { readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { PgrescueError } from "../../domain/errors.ts";
import type { Installation } from "../../ports/postgres.ts";
import type { Shell } from "../../ports/shell.ts";

/** Where installations of every major version are looked for, besides PATH. `<N>` stands for the major version. */
const layouts: readonly { readonly parent: string; readonly directory: RegExp; readonly below: string }[] = [
  { parent: "/usr/lib/postgresql", directory: /^\d+$/, below: "bin" }, // Debian, Ubuntu
  { parent: "/usr", directory: /^pgsql-\d+$/, below: "bin" }, // PGDG's RPMs
  { parent: "/opt/homebrew/opt", directory: /^postgresql@\d+$/, below: "bin" },
  { parent: "/usr/local/opt", directory: /^postgresql@\d+$/, below: "bin" },
  { parent: "/usr/local", directory: /^pgsql$/, below: "bin" }, // built from source
];

/**
 * Reads `postgres --version` of a directory; null when no PostgreSQL server is there. The number is server_version_num
 * (150018 for 15.18; a beta counts as .0).
 */
async function installationAt(shell: Shell, bin: string): Promise<Installation | null> {
  const result = await shell.run([join(bin, "postgres"), "--version"], { timeout: 10_000 }).catch(() => null);
  if (result === null || result.exit !== 0) return null;
  const m = /\(PostgreSQL\) (\d+)(?:\.(\d+))?/.exec(result.stdout);
  if (m === null) return null;
  const major = Number(m[1]);
  return { major, version: major * 10_000 + Number(m[2] ?? "0"), bin };
}

/** Every server installation on this machine, newest major first; of several of one major the first place wins. */
export async function findInstallations(
  shell: Shell,
  environment: { readonly [name: string]: string | undefined },
): Promise<readonly Installation[]> {
  const found: Installation[] = [];
  const seen = new Set<string>();
  for (const bin of await programDirectories(shell, environment, "postgres")) {
    const real = await realpath(bin).catch(() => bin);
    if (seen.has(real)) continue;
    seen.add(real);
    const installation = await installationAt(shell, bin);
    if (installation !== null) found.push(installation);
  }
  return found.sort((a, b) => b.major - a.major);
}

/**
 * The installation of a major version: the configured directory when one is given (it must be of that version), otherwise
 * what is found. Throws `precondition-refused` that names the package to install.
 */
export async function findInstallation(
  shell: Shell,
  environment: { readonly [name: string]: string | undefined },
  major: number,
  configured?: string,
): Promise<Installation> {
  if (configured !== undefined) {
    const there = await installationAt(shell, configured);
    if (there === null)
      throw new PgrescueError("precondition-refused", `no postgresql server programs in ${configured}`, {
        next: "Correct `binaries` in the configuration, or leave it out: programs are found by themselves.",
      });
    if (there.major !== major)
      throw new PgrescueError(
        "precondition-refused",
        `${configured} holds postgresql ${there.major}, but version ${major} is needed`,
        { next: `Correct \`binaries\` in the configuration, or install PostgreSQL ${major}: ${installHint(major)}.` },
      );
    return there;
  }
  const all = await findInstallations(shell, environment);
  const right = all.find((i) => i.major === major);
  if (right !== undefined) return right;
  const others = all.length === 0 ? "none is installed" : `found ${all.map((i) => i.major).join(", ")}`;
  throw new PgrescueError("precondition-refused", `no programs of postgresql ${major} on this machine (${others})`, {
    next: `Install them: ${installHint(major)}. A physical backup needs the same major version.`,
  });
}

/** The command that installs a major version on the usual systems, for messages. */
function installHint(major: number): string {
  return `\`apt-get install postgresql-${major}\` (Debian, Ubuntu), \`dnf install postgresql${major}-server\` (PGDG RPMs), \`brew install postgresql@${major}\``;
}

/** Directories in which programs of PostgreSQL may be: the usual places, and those of PATH that have `program`. */
export async function programDirectories(
  shell: Shell,
  environment: { readonly [name: string]: string | undefined },
  program: "postgres" | "pg_dump",
): Promise<readonly string[]> {
  const places: string[] = [];
  for (const { parent, directory, below } of layouts) {
    const names = await readdir(parent).catch(() => []);
    for (const name of names) if (directory.test(name)) places.push(join(parent, name, below));
  }
  const asked = await shell.run(["pg_config", "--bindir"], { timeout: 10_000 }).catch(() => null);
  if (asked !== null && asked.exit === 0) places.push(asked.stdout.trim());
  for (const directory of (environment["PATH"] ?? "").split(":")) {
    const names = directory.startsWith("/") ? await readdir(directory).catch(() => []) : [];
    if (names.includes(program)) places.push(directory);
  }
  return places;
}

// Makes sure that what the demo and the tests need is on this machine: installs Debian's packages when it may,
// otherwise prints the one command to run.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";

export interface Need {
  readonly package: string;
  readonly isThere: () => boolean;
}

/** PostgreSQL's server and client programs, Debian's layout. */
export const postgresql: Need = {
  package: "postgresql",
  isThere: () =>
    existsSync("/usr/lib/postgresql") &&
    readdirSync("/usr/lib/postgresql").some((major) => existsSync(`/usr/lib/postgresql/${major}/bin/initdb`)),
};

/** A program on PATH from a package of the same or another name. */
export function programNeed(name: string, fromPackage = name): Need {
  return {
    package: fromPackage,
    isThere: () =>
      (process.env["PATH"] ?? "")
        .split(":")
        .concat("/usr/sbin", "/sbin")
        .some((directory) => existsSync(`${directory}/${name}`)),
  };
}

/** Installs what is missing, or exits saying how. */
export function ensure(needs: readonly Need[]): void {
  const missing = needs.filter((need) => !need.isThere()).map((need) => need.package);
  if (missing.length === 0) return;
  const install = ["apt-get", "install", "-y", "--no-install-recommends", ...missing];
  const isRoot = process.getuid?.() === 0;
  const sudo = isRoot ? [] : ["sudo", "-n"];
  const may = isRoot || spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status === 0;
  if (may && programNeed("apt-get").isThere()) {
    process.stderr.write(`installing from Debian: ${missing.join(" ")}\n`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    // A cluster that the package would create and start is not wanted.
    run([...sudo, "apt-get", "update", "-qq"], env);
    run([...sudo, "env", "DEBIAN_FRONTEND=noninteractive", ...install, "-qq"], env);
  }
  const still = needs.filter((need) => !need.isThere()).map((need) => need.package);
  if (still.length === 0) return;
  process.stderr.write(
    `missing on this machine: ${still.join(", ")}\nRun this, then the same command again:\n\n  sudo apt-get update && sudo ${install.slice(0, 4).join(" ")} ${still.join(" ")}\n\n`,
  );
  process.exit(2);
}

function run(argv: readonly string[], env: NodeJS.ProcessEnv): void {
  const [file = "", ...args] = argv;
  spawnSync(file, args, { stdio: ["ignore", "ignore", "inherit"], env });
}

// node scripts/other-postgres.ts [17|18]: provides PostgreSQL of another major version for tests, from Debian's release
// that has it, beside the system and without touching it: apt resolves and verifies the packages against an empty system
// of their own, they are unpacked into a cache directory (no root, no chroot), and the programs are told to use the
// loader and libraries there. Prints the directory of the programs. What is there already is used again.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binBelow, placeToFill, providedBin, suites } from "./provided-postgres.ts";

const mirror = process.env["PGRESCUE_TEST_MIRROR"] ?? "http://deb.debian.org/debian";
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Loader and library directory of Debian's architectures. */
const architectures: { readonly [name: string]: { readonly loader: string; readonly libraries: string } } = {
  amd64: { loader: "usr/lib64/ld-linux-x86-64.so.2", libraries: "usr/lib/x86_64-linux-gnu" },
  arm64: { loader: "usr/lib/ld-linux-aarch64.so.1", libraries: "usr/lib/aarch64-linux-gnu" },
};

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** Runs a program to its end and gives what it printed; ends the script with the program's words when it fails. */
function run(argv: readonly string[], env: Record<string, string> = {}): string {
  const [file = "", ...args] = argv;
  const done = spawnSync(file, args, {
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: { ...process.env, LC_ALL: "C", ...env },
  });
  if (done.error !== undefined) throw new Error(`${file}: ${done.error.message}`);
  if (done.status !== 0) throw new Error(`${argv.join(" ")} failed:\n${done.stderr.trim()}`);
  return done.stdout;
}

/** Downloads a package with all that it depends on into `work`; gives the directory with the archives. */
function download(work: string, suite: string, packages: readonly string[]): string {
  for (const directory of ["lists/partial", "cache/archives/partial", "etc/none"])
    mkdirSync(join(work, directory), { recursive: true });
  writeFileSync(join(work, "status"), "");
  writeFileSync(join(work, "etc", "sources.list"), `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
  const settings = {
    "Dir::State": work,
    "Dir::State::lists": join(work, "lists"),
    "Dir::State::status": join(work, "status"),
    "Dir::Cache": join(work, "cache"),
    "Dir::Etc::sourcelist": join(work, "etc", "sources.list"),
    "Dir::Etc::sourceparts": join(work, "etc", "none"),
    "Dir::Etc::preferencesparts": join(work, "etc", "none"),
    // The system's own settings have hooks that clean up the system's cache; of them only how to reach Debian counts.
    "Dir::Etc::parts": join(work, "etc", "none"),
    "Dir::Etc::main": join(work, "etc", "apt.conf"),
    // apt's own user cannot write into a directory of ours.
    "APT::Sandbox::User": "root",
    "Acquire::Languages": "none",
    "Acquire::Retries": "3",
    "Acquire::http::Timeout": "30",
    // Otherwise apt-get says what it could not reach and exits 0.
    "APT::Update::Error-Mode": "any",
  };
  const configuration = join(work, "apt.conf");
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
  writeFileSync(configuration, run(["apt-config", "dump", "Acquire"]) + lines.join(""));
  const env = { APT_CONFIG: configuration, DEBIAN_FRONTEND: "noninteractive" };
  run(["apt-get", "update", "-q"], env);
  run(["apt-get", "install", "-q", "-y", "--no-install-recommends", "--download-only", ...packages], env);
  return join(work, "cache", "archives");
}

/** Unpacks the archives as a system with merged /usr. */
function unpack(archives: string, tree: string): void {
  for (const directory of ["bin", "sbin", "lib", "lib64"]) {
    mkdirSync(join(tree, "usr", directory), { recursive: true });
    run(["ln", "-s", join("usr", directory), join(tree, directory)]);
  }
  for (const name of readdirSync(archives).filter((file) => file.endsWith(".deb")))
    run(["dpkg-deb", "-x", join(archives, name), tree]);
}

/** Makes the programs in `built` run from where the tree will be, with its own C library. */
function adopt(built: string, tree: string, major: number, architecture: string): void {
  const { loader, libraries } = architectures[architecture] ?? fail(`no Debian architecture known as ${architecture}`);
  const patchelf = [join(built, loader), "--library-path", join(built, libraries), join(built, "usr/bin/patchelf")];
  // RPATH, not RUNPATH: it counts for the libraries' own libraries, too.
  const changes = ["--set-interpreter", join(tree, loader), "--force-rpath", "--set-rpath", join(tree, libraries)];
  for (const program of readdirSync(binBelow(built, major)))
    run([...patchelf, ...changes, join(binBelow(built, major), program)]);
}

/** Provides the version in `tree`, which appears whole or not at all. */
function provide(tree: string, suite: string, major: number): void {
  const place = placeToFill();
  mkdirSync(place, { recursive: true });
  const work = mkdtempSync(join(place, `${suite}.partial-`));
  try {
    const built = join(work, "tree");
    mkdirSync(built);
    unpack(download(work, suite, [`postgresql-${major}`, "patchelf"]), built);
    adopt(built, tree, major, run(["dpkg", "--print-architecture"]).trim());
    for (const directory of [place, built]) chmodSync(directory, 0o755);
    moveInto(tree, built);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  run([join(binBelow(tree, major), "postgres"), "--version"]);
}

function moveInto(tree: string, built: string): void {
  try {
    renameSync(built, tree);
  } catch (error) {
    // Another run of this script may have been faster.
    if (!existsSync(tree)) throw error;
  }
}

const major = Number(process.argv[2] ?? "17");
const suite =
  suites.get(major) ?? fail(`PostgreSQL ${process.argv[2]}: only ${[...suites.keys()].join(" and ")} can be provided`);
if (providedBin(major) === null) {
  if (!existsSync("/usr/bin/apt-get") || !existsSync(keyring))
    fail(
      `PostgreSQL ${major} comes from Debian's archive: apt-get and ${keyring} (package debian-archive-keyring) are needed`,
    );
  process.stderr.write(`providing PostgreSQL ${major} from Debian ${suite} in ${placeToFill()}\n`);
  try {
    provide(join(placeToFill(), suite), suite, major);
  } catch (error) {
    fail(
      `PostgreSQL ${major} cannot be provided from ${mirror}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
const bin = providedBin(major) ?? fail(`PostgreSQL ${major} was provided but is not there`);
process.stdout.write(`${bin}\n`);

import { chmod, mkdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import {
  generateArchiveCommand,
  generateRestoreCommand,
  quoteSetting,
} from "../../../src/adapters/wal/restore-command.ts";
import { createShell } from "../../../src/adapters/system/exec.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const name = "000000010000000000000042";

/** What PostgreSQL makes of restore_command (BuildRestoreCommand in xlogarchive.c). */
function substitute(command: string): string {
  return command.replace(/%(.)/g, (all, letter: string) =>
    letter === "f" ? name : letter === "p" ? "pg_wal/RECOVERYXLOG" : letter === "%" ? "%" : all,
  );
}

async function outcome(
  node: string,
  boot = true,
): Promise<{ exit: number | null; signal: string | null; stderr: string; got: string | null }> {
  await using directory = await temporaryDirectory();
  const odd = join(directory.path, `it's "odd" $HOME 100% \\ & ;`);
  await mkdir(join(odd, "pg_wal"), { recursive: true });
  const spool = join(odd, "spool");
  if (boot) {
    const id = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
    await mkdir(join(spool, id), { recursive: true });
    await writeFile(join(spool, id, name), "ready");
  }
  const program = join(odd, "node %f");
  await writeFile(program, `#!/bin/sh\n${node}\n`);
  await chmod(program, 0o755);
  if (node === "") await rm(program);
  const command = substitute(generateRestoreCommand({ node: program, script: join(odd, "script"), spool }));
  const result = await createShell().run(["sh", "-c", command], { cwd: odd });
  const got = await readFile(join(odd, "pg_wal", "RECOVERYXLOG"), "utf8").catch(() => null);
  return { exit: result.exit, signal: result.signal, stderr: result.stderr, got };
}

test("a ready segment is renamed without starting node, whatever the path is called", async () => {
  expect(await outcome("exit 9")).toMatchObject({ exit: 0, got: "ready", stderr: "" });
});

test("on a miss node is started with the paths as they are", async () => {
  const { exit, got } = await outcome('echo "$5 $6" >"$6"; printf %s "$4" >>"$6"; exit 0', false);
  expect(exit).toBe(0);
  expect(got).toMatch(/^000000010000000000000042 pg_wal\/RECOVERYXLOG\n.*it's "odd" \$HOME 100% \\ & ;\/spool$/s);
});

test.each([
  ["exit 77", 1],
  ["exit 0", 0],
  ["exit 1", 255],
  ["exit 2", 255],
  ["exit 13", 255],
  ["exit 125", 255],
  ["exit 126", 255],
  ["exit 255", 255],
  ["kill -KILL $$", 255],
  ["kill -SEGV $$", 255],
  ["", 255],
])("node that does `%s` becomes exit code %i", async (script, expected) => {
  expect((await outcome(script, false)).exit).toBe(expected);
});

test("a shell that cannot start a process answers 255, too", async () => {
  // Only what is not root is bound by the limit.
  const user = process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
  const command = substitute(generateRestoreCommand({ node: "/bin/true", script: "/none", spool: "/none" }));
  const limited = [...user, "prlimit", "--nproc=0:0", "--", "sh", "-c", command];
  expect((await createShell().run(limited)).exit).toBe(255);
});

test("SIGTERM stays a signal", async () => {
  expect(await outcome("kill -TERM $$", false)).toMatchObject({ exit: null, signal: "SIGTERM" });
});

test("the line fits into the thousand bytes that old versions take", () => {
  const line = generateRestoreCommand({
    node: "/usr/bin/node",
    script: "/usr/lib/node_modules/pgrescue/bin/pgrescue.js",
    spool: "/var/lib/postgresql/15/main/pg_wal/.pgrescue-spool",
  });
  expect(line.length).toBeLessThan(800);
  expect(line).toMatchInlineSnapshot(
    `"x=255; trap 'exit $x' 0; s='/var/lib/postgresql/15/main/pg_wal/.pgrescue-spool'; read -r b 2>/dev/null </proc/sys/kernel/random/boot_id || b=unknown; [ -f "$s/$b/%f" ] && mv -f "$s/$b/%f" "%p" && x=0 && exit; '/usr/bin/node' '/usr/lib/node_modules/pgrescue/bin/pgrescue.js' wal-fetch --spool "$s" "%f" "%p"; r=$?; case $r in 0) x=0; exit;; 77) x=1; exit;; 143) trap - 0; kill -TERM $$;; esac; echo "pgrescue: no answer about %f (exit code $r); recovery stops so that nothing is lost" >&2; exit"`,
  );
});

test("paths that cannot stand in a command are refused", () => {
  expect(() => generateRestoreCommand({ node: "node", script: "/s", spool: "/d" })).toThrow("cannot stand");
  expect(() => generateRestoreCommand({ node: "/node", script: "/s", spool: "/d\n" })).toThrow("cannot stand");
});

test("a setting's quotes and backslashes are doubled for postgresql.conf", () => {
  expect(quoteSetting(String.raw`a 'b' \c %`)).toBe(String.raw`'a ''b'' \\c %'`);
});

test.each([
  ["exit 0", 0],
  ["exit 40", 40],
  ["exit 130", 1],
  ["kill -KILL $$", 1],
  ["", 1],
])("archive_command of a program that does `%s` gives %i", async (script, expected) => {
  await using directory = await temporaryDirectory();
  const program = join(directory.path, "a node");
  if (script !== "") await writeFile(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const command = generateArchiveCommand({ node: program, script: "/x", config: "/etc/it's/p.yaml" });
  expect((await createShell().run(["sh", "-c", substitute(command)])).exit).toBe(expected);
});

test("archive_command confirms what was sent ahead without its program, unless the configuration is newer", async () => {
  await using directory = await temporaryDirectory();
  const [config, program] = [join(directory.path, "p.yaml"), join(directory.path, "node")];
  await writeFile(program, "#!/bin/sh\nexit 40\n", { mode: 0o755 });
  await writeFile(config, "");
  const note = join(directory.path, "pg_wal", ".pgrescue-pushed", "000000010000000000000001");
  await mkdir(dirname(note), { recursive: true });
  const command = generateArchiveCommand({ node: program, script: "/x", config })
    .replaceAll("%f", "000000010000000000000001")
    .replaceAll("%p", "pg_wal/000000010000000000000001");
  const archive = async (): Promise<number | null> =>
    (await createShell().run(["sh", "-c", command], { cwd: directory.path })).exit;
  expect(await archive()).toBe(40);
  const [before, after] = [new Date(Date.now() - 60_000), new Date(Date.now() + 60_000)];
  await writeFile(note, "{}");
  await utimes(note, before, before);
  expect(await archive()).toBe(40);
  await utimes(note, after, after);
  expect(await archive()).toBe(0);
  // Once.
  expect(await archive()).toBe(40);
});

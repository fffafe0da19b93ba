import { execa } from "execa";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commands } from "../../src/cli/registry.ts";
import { pgrescue } from "../support/program.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

test("help lists every command with what it does", async () => {
  const { exit, stdout } = await pgrescue(["help"]);
  expect(exit).toBe(0);
  for (const verb of ["recover", "points", "backup", "continue", "doctor"])
    expect(stdout).toMatch(new RegExp(`^  ${verb} +\\S`, "m"));
});

test("help begins with what is looked for at night, and leaves no command out", async () => {
  const { stdout } = await pgrescue(["--help"]);
  expect(stdout.match(/^ {2}([a-z-]+) {2,}\S/gm)?.[0]).toMatch(/^ {2}recover /);
  expect(stdout).not.toContain("Others:");
});

test("every command's help has examples and fits 80 columns", async () => {
  for (const verb of Object.keys(commands)) {
    const { exit, stdout } = await pgrescue([verb, "--help"]);
    expect([verb, exit]).toEqual([verb, 0]);
    expect(stdout).toContain("Examples:\n  pgrescue");
    expect([verb, stdout.split("\n").filter((line) => line.length > 80 && !line.startsWith("  pgrescue"))]).toEqual([
      verb,
      [],
    ]);
  }
});

test("a misspelt command names the nearest one and exits 2", async () => {
  const { exit, stdout, stderr } = await pgrescue(["recovr"]);
  expect([exit, stdout]).toEqual([2, ""]);
  expect(stderr).toBe(
    [
      "pgrescue: unknown command recovr; did you mean recover?",
      "What it means: Nothing was changed.",
      "What to do:    Run `pgrescue help` for the list of commands.",
      "More:          pgrescue explain usage",
    ].join("\n"),
  );
});

test("a misspelt option names the nearest one", async () => {
  const { exit, stderr } = await pgrescue(["points", "--jsn"]);
  expect(exit).toBe(2);
  expect(stderr).toContain("unknown option --jsn; did you mean --json?");
});

test("with --json an error is a document on stdout, too", async () => {
  const { exit, stdout } = await pgrescue(["points", "--json", "--repository", "/nonexistent/repo"]);
  expect(exit).toBe(10);
  expect(JSON.parse(stdout)).toMatchObject({ schema: "pgrescue.error/v1", code: "repository-not-found", exitCode: 10 });
});

test("without a configuration, commands that need one say where it is looked for", async () => {
  const { exit, stderr } = await pgrescue(["backup"], { env: { PGRESCUE_STATE_DIR: "/tmp/pgrescue-none" } });
  expect(exit).toBe(2);
  expect(stderr).toContain("no cluster in any configuration file");
});

test("an unknown key in the configuration names file, line and the nearest known key", async () => {
  await using directory = await temporaryDirectory();
  const file = join(directory.path, "pgrescue.yaml");
  await writeFile(
    file,
    "clusters:\n  shop:\n    conection: {}\n    repositories: [main]\nrepositories:\n  main: {url: /tmp}\n",
  );
  const { exit, stderr } = await pgrescue(["config", "show", "--config", file]);
  expect(exit).toBe(2);
  expect(stderr).toContain(`${file}:3: unknown key clusters.shop.conection; did you mean connection?`);
});

test("config show --origin says where each value came from", async () => {
  await using directory = await temporaryDirectory();
  const file = join(directory.path, "pgrescue.yaml");
  await writeFile(file, "clusters:\n  shop:\n    repositories: [main]\nrepositories:\n  main: {url: /tmp}\n");
  const { stdout } = await pgrescue(["config", "show", "--origin", "--config", file, "--state-dir", directory.path]);
  expect(stdout).toMatch(/clusters\.shop\.repositories\.0 +"main" {2}# file /);
  expect(stdout).toMatch(/repositories\.main\.readOnly +false {2}# default/);
  expect(stdout).toMatch(/stateDirectory +".*" {2}# flag --state-dir/);
});

test("explain knows every exit code of the errors", async () => {
  const { stdout } = await pgrescue(["explain", "20"]);
  expect(stdout).toContain("no-recovery-point");
  expect((await pgrescue(["explain", "143"])).stdout).toContain("SIGTERM");
});

test("the completion scripts are valid and know commands and options", async () => {
  const bash = (await pgrescue(["completion", "bash"])).stdout;
  const check = await execa("bash", [
    "-c",
    `${bash}\nCOMP_WORDS=(pgrescue recover --target-ac); COMP_CWORD=2; _pgrescue; echo "\${COMPREPLY[@]}"`,
  ]);
  expect(check.stdout).toBe("--target-action");
  expect((await pgrescue(["completion", "zsh"])).stdout).toMatch(/^#compdef pgrescue/);
  expect((await pgrescue(["completion", "fish"])).stdout).toContain("complete -c pgrescue");
  expect((await pgrescue(["completion", "tcsh"])).exit).toBe(2);
});

test("a reader that goes away does not make the program fail loudly", async () => {
  const { stdout, stderr } = await execa("bash", ["-c", `"${process.execPath}" bin/pgrescue.js help | head -1`]);
  expect([stdout, stderr]).toEqual(["pgrescue: the 3 AM console for PostgreSQL", ""]);
});

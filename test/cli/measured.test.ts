import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { measuredSpeeds, rehearsalsHere } from "../../src/cli/measured.ts";
import { writeRestoreRun } from "../support/restore-run.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

test("the newest run that measured a speed gives it; backups, failures and small restores do not", async () => {
  await using directory = await temporaryDirectory();
  const state = join(directory.path, "state");
  await writeRestoreRun(state, { run: "R20261114-0300-aaa" });
  await writeRestoreRun(state, {
    run: "R20261115-0300-aaa",
    restoreMilliseconds: 5_000,
    inputs: { replayUntil: "0/1" },
  });
  await writeRestoreRun(state, { run: "R20261116-0300-aaa", restoreMilliseconds: 200, inputs: { replayUntil: "0/1" } });
  await writeRestoreRun(state, { run: "R20261117-0300-aaa", exitCode: 40 });
  await writeRestoreRun(state, { run: "R20261118-0300-aaa", kind: "backup" });
  expect((await rehearsalsHere(state))?.map((r) => r.run)).toEqual([
    "R20261116-0300-aaa",
    "R20261115-0300-aaa",
    "R20261114-0300-aaa",
  ]);
  expect(await measuredSpeeds(state)).toEqual({
    restore: 400_000_000,
    replay: 100_000_000,
    basis: "runs R20261115-0300-aaa and R20261114-0300-aaa",
  });
});

test("a damaged journal is left out, and a state directory that cannot be read is not taken for never", async () => {
  await using directory = await temporaryDirectory();
  await writeRestoreRun(directory.path, { run: "R20261114-0300-aaa" });
  await writeRestoreRun(directory.path, { run: "R20261115-0300-aaa" });
  await writeFile(join(directory.path, "runs", "R20261115-0300-aaa", "journal.jsonl"), "what\nis this\n");
  expect((await rehearsalsHere(directory.path))?.map((r) => r.run)).toEqual(["R20261114-0300-aaa"]);
  expect(await rehearsalsHere(join(directory.path, "nothing-yet"))).toEqual([]);
  const file = join(directory.path, "file");
  await writeFile(file, "");
  expect(await rehearsalsHere(file)).toBeNull();
  expect(await measuredSpeeds(file)).toEqual({ restore: null, replay: null, basis: "" });
});

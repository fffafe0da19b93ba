import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { acquireLock } from "../../src/adapters/system/lock.ts";
import { attachRun } from "../../src/cli/run/attach-run.ts";
import { findRun } from "../../src/cli/run/find-run.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { anna } from "../engine/toy-world.ts";
import { makeToyRun, script, until, watch } from "./toy-run.ts";

const lock = { systemIdentifier: "7234567890", dataDirectory: "/somewhere/data" };
const run = promisify(execFile);

describe("the detached runner", () => {
  test("goes on when the face's whole process group is killed with -9", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["one", "slow", "three"]);
    const face = spawn(process.execPath, [script("toy-face.ts"), made.directory, "launch"], {
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    for await (const chunk of face.stdout) {
      text += String(chunk);
      if (text.includes('"progress"')) break;
    }
    process.kill(-(face.pid ?? 0), "SIGKILL");
    const state = await watch((await attachRun(made.directory, anna)).events);
    expect(state.outcome).toMatchObject({ result: "done" });
    expect(await made.toy.effects()).toEqual(["do one", "do slow", "do three"]);
  });

  test("goes on when the face's reader leaves after one line", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["one", "slow", "three"]);
    const { stdout } = await run("sh", [
      "-c",
      `"$0" "$@" 2>/dev/null | head -1`,
      process.execPath,
      script("toy-face.ts"),
      made.directory,
      "launch",
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ event: "opened", seq: 1 });
    const state = await watch((await attachRun(made.directory, anna)).events);
    expect(state.outcome).toMatchObject({ result: "done" });
  });

  test("goes on when the terminal of the face is closed", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["one", "slow", "three"]);
    // script(1) gives the face a terminal of its own; killing it closes that terminal.
    const terminal = spawn(
      "script",
      ["-qfc", `"${process.execPath}" "${script("toy-face.ts")}" "${made.directory}" launch`, "/dev/null"],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    let text = "";
    for await (const chunk of terminal.stdout) {
      text += String(chunk);
      if (text.includes('"progress"')) break;
    }
    terminal.kill("SIGKILL");
    const state = await watch((await attachRun(made.directory, anna)).events);
    expect(state.outcome).toMatchObject({ result: "done" });
    expect(state.attempt).toBe(1);
  });

  test("killed with -9 leaves a journal from which a new one goes on, and no lock", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["one", "slow", "three"], { spec: { lock } });
    const first = await made.launch();
    const events = first.events[Symbol.asyncIterator]();
    const started = await until(events, (e) => e.event === "started");
    await until(events, (e) => e.event === "progress");
    process.kill(started.event === "started" ? started.pid : 0, "SIGKILL");
    while ((await events.next()).done !== true);
    const found = await findRun(made.stateDirectory, undefined);
    expect(found.state.outcome).toBeNull();
    const dead = await attachRun(made.directory, anna);
    expect(dead.isLive).toBe(false);
    await expect(dead.pause()).rejects.toMatchObject({
      code: "precondition-refused",
      next: expect.stringContaining("continue"),
    });
    const state = await watch((await made.launch()).events);
    expect(state).toMatchObject({ attempt: 2, outcome: { result: "done" } });
    expect(await made.toy.effects()).toEqual(["do one", "do slow", "do three"]);
  });

  test("by SIGTERM stops at once with the journal in order, exit code 143", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["slow"]);
    const face = await made.launch();
    const events = face.events[Symbol.asyncIterator]();
    const started = await until(events, (e) => e.event === "started");
    await until(events, (e) => e.event === "progress");
    process.kill(started.event === "started" ? started.pid : 0, "SIGTERM");
    expect(await until(events, (e) => e.event === "ended")).toMatchObject({
      outcome: { exitCode: 143, result: "paused" },
    });
  });

  test("lets only one run work on a cluster, and says which one does", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["slow"], { spec: { lock } });
    const other = await makeToyRun(join(base.path, "other"), ["one"], {
      stateDirectory: made.stateDirectory,
      spec: { lock, run: "R20261120-0315-abc" },
    });
    const first = await made.launch();
    await expect(other.launch()).rejects.toMatchObject({
      code: "locked",
      message: expect.stringContaining("R20261120-0314-k3f"),
      next: expect.stringContaining("pgrescue attach R20261120-0314-k3f"),
    });
    await expect(made.launch()).rejects.toMatchObject({ code: "locked" });
    await expect(
      acquireLock({ ...lock, run: "x", user: "x", since: "x", stateDirectory: base.path }),
    ).rejects.toMatchObject({ code: "locked" });
    expect((await watch(first.events)).outcome).toMatchObject({ result: "done" });
    expect((await watch((await other.launch()).events)).outcome).toMatchObject({ result: "done" });
  });

  test("serves any number of faces the same story, and answers from any of them", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["one", "two"], { production: ["two"] });
    const first = await made.launch({ interactive: true });
    const second = await attachRun(made.directory, { ...anna, user: "bob" });
    const events = first.events[Symbol.asyncIterator]();
    await until(events, (e) => e.event === "asked");
    const watching = watch(second.events);
    await expect(second.answer("confirm:two", "shop@db2")).rejects.toThrow('"shop@db2" is not shop@db1');
    await second.note("looks right");
    await second.answer("confirm:two", "shop@db1");
    await until(events, (e) => e.event === "ended");
    const state = await watching;
    expect(state.outcome).toMatchObject({ result: "done" });
    expect(state.answers).toMatchObject([{ value: "shop@db1", by: { user: "bob" } }]);
    expect(state.notes).toMatchObject([{ text: "looks right" }]);
  });

  test("is not held up by a face that does not read", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["chatty", "two"]);
    await made.launch();
    const stuck = await attachRun(made.directory, anna);
    const state = await watch((await attachRun(made.directory, anna)).events);
    expect(state.outcome).toMatchObject({ result: "done" });
    stuck.close();
  });

  test("works below a path that is longer than a socket's name may be, and keeps everything to its owner", async () => {
    await using base = await temporaryDirectory();
    const stateDirectory = join(base.path, "d".repeat(60), "e".repeat(60));
    const made = await makeToyRun(base.path, ["slow"], { stateDirectory });
    const face = await made.launch();
    expect(face.isLive).toBe(true);
    for (const [name, mode] of [
      [".", 0o700],
      ["runner.sock", 0o600],
      ["journal.jsonl", 0o600],
      ["spec.json", 0o600],
      ["runner.log", 0o600],
    ] as const) {
      expect([name, (await stat(join(made.directory, name))).mode & 0o777]).toEqual([name, mode]);
    }
    expect((await watch(face.events)).outcome).toMatchObject({ result: "done" });
  });

  test("reports at once when it cannot begin", async () => {
    await using base = await temporaryDirectory();
    const made = await makeToyRun(base.path, ["one"]);
    const journal = join(made.directory, "journal.jsonl");
    await watch((await made.launch()).events);
    await writeFile(journal, (await readFile(journal, "utf8")).replace('"shop"', '"shoe"'));
    await expect(made.launch()).rejects.toMatchObject({
      code: "damaged-data",
      message: expect.stringContaining("line 2"),
    });
  });

  test.skipIf(process.getuid?.() !== 0)(
    "pauses with exit code 60 on a full state disk, and goes on when there is room",
    async () => {
      await using base = await temporaryDirectory();
      const stateDirectory = join(base.path, "state");
      await mkdir(stateDirectory);
      await run("mount", ["-t", "tmpfs", "-o", "size=512k", "tmpfs", stateDirectory]);
      try {
        const made = await makeToyRun(base.path, ["one", "chatty", "three"], { stateDirectory });
        const state = await watch((await made.launch()).events);
        expect(state.outcome).toMatchObject({ result: "paused", exitCode: 60, code: "paused" });
        expect(state.outcome?.next).toContain("--state-dir");
        expect(await made.toy.effects()).toEqual(["do one"]);
        await run("mount", ["-o", "remount,size=16m", stateDirectory]);
        expect((await watch((await made.launch()).events)).outcome).toMatchObject({ result: "done" });
        expect(await made.toy.effects()).toEqual(["do one", "do chatty", "do three"]);
        await delay(300);
      } finally {
        await run("umount", ["-l", stateDirectory]);
      }
    },
  );
});

test("a process that is killed while it waits for its face does not keep the face waiting", async () => {
  await using base = await temporaryDirectory();
  const made = await makeToyRun(base.path, ["two"], { production: ["two"] });
  const face = await made.launch({ interactive: true });
  const events = face.events[Symbol.asyncIterator]();
  const started = await until(events, (e) => e.event === "started");
  await until(events, (e) => e.event === "asked");
  const child = spawn(process.execPath, [script("toy-face.ts"), made.directory], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  await delay(300);
  process.kill(started.event === "started" ? started.pid : 0, "SIGKILL");
  expect(await once(child, "exit")).toEqual([0, null]);
  await expect(face.answer("confirm:two", "shop@db1")).rejects.toMatchObject({ code: "precondition-refused" });
});

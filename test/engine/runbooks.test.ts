import { readFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { publishedSchema } from "../../scripts/schema.ts";
import { loadRunbook, loadRunbooks, readRunbook } from "../../src/adapters/config/runbook-file.ts";
import { lintRunbook } from "../../src/engine/lint-runbook.ts";
import { printRunbook } from "../../src/engine/print-runbook.ts";
import { steps } from "../../src/engine/steps/registry.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { makeToy, registryOf, toyKind, toyRunbook, toyStep } from "./toy-world.ts";

const shipped = new URL("../../runbooks", import.meta.url).pathname;

const good = await readFile(join(shipped, "backup.yaml"), "utf8");

describe("every shipped runbook", async () => {
  for (const [id, { runbook }] of await loadRunbooks({ shipped })) {
    test(`${id} names steps that exist, with parameters they take, and confirms what is dangerous`, async () => {
      expect(await lintRunbook(runbook, steps)).toEqual([]);
      expect(`${runbook.id}.yaml`).toBe(`${id}.yaml`);
    });
    test(`${id} prints as Markdown with every step, why and undo`, () => {
      const text = printRunbook(runbook);
      for (const step of runbook.steps)
        for (const part of [step.title, step.why, step.undo]) expect(text).toContain(part);
    });
  }
});

test("the published schema is what runbooks are read with", async () => {
  expect(await readFile(new URL("../../schema/runbook.schema.json", import.meta.url), "utf8")).toBe(publishedSchema());
});

describe("lint", () => {
  async function problemsOf(...runbookSteps: Parameters<typeof toyRunbook>[0]) {
    await using directory = await temporaryDirectory();
    const toy = await makeToy(directory.path);
    return lintRunbook(
      toyRunbook(runbookSteps),
      registryOf([toyKind(toy, "one"), toyKind(toy, "two", { risk: "production" })]),
    );
  }
  test("names what is wrong and where", async () => {
    expect(await problemsOf(toyStep("nothing"))).toEqual(["step nothing: there is no step kind nothing"]);
    expect(await problemsOf(toyStep("one"), toyStep("one"))).toEqual(["step one: the id stands for two steps"]);
    expect(await problemsOf(toyStep("one", { when: "a ==" }))).toEqual(["step one: expression ends too early: a =="]);
    expect(await problemsOf(toyStep("one", { do: { builtin: "one", with: { x: "${target}" } } }))).toEqual([
      "step one: ${target} is not among the inputs",
    ]);
    expect(await problemsOf(toyStep("two"))).toEqual(["step two: its risk is scratch, but two is production"]);
    expect(await problemsOf(toyStep("one", { risk: "production", confirm: "none" }))).toEqual([
      "step one: its risk is production, and nobody has typed a confirmation",
    ]);
  });
  test("lets one typed confirmation stand for the production steps after it, never for irreversible ones", async () => {
    const first = toyStep("one", { risk: "production" });
    expect(await problemsOf(first, toyStep("two", { risk: "production", confirm: "none" }))).toEqual([]);
    expect(await problemsOf(first, toyStep("two", { risk: "irreversible", confirm: "none" }))).toHaveLength(1);
  });
});

describe("a runbook file", () => {
  async function reading(text: string) {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "x.yaml");
    await writeFile(path, text);
    return await readRunbook(path);
  }
  test("is refused with the place and the reason", async () => {
    await expect(reading(good.replace("risk: read", "risk: none"))).rejects.toMatchObject({
      code: "config",
      message: expect.stringContaining("steps.preflight.risk"),
    });
    await expect(reading(`${good}\nshell: rm -rf /\n`)).rejects.toMatchObject({
      code: "config",
      message: expect.stringContaining("shell"),
    });
    await expect(reading("a: [")).rejects.toMatchObject({ code: "config" });
    await expect(
      reading(good.replace("title: Ask server and repository", `title: ${"x".repeat(61)}`)),
    ).rejects.toMatchObject({ message: expect.stringContaining("steps.preflight.title") });
  });

  test("can be overlaid by a site, step by step, and the hash tells", async () => {
    await using directory = await temporaryDirectory();
    const site = join(directory.path, "site");
    await mkdir(site);
    await writeFile(
      join(site, "backup.overlay.yaml"),
      [
        "overlays: backup",
        "steps:",
        "  - {id: copy, title: Copy our files}",
        "  - {id: verify, remove: true}",
        "  - {id: tell, after: copy, title: Tell us, why: We like to know., phase: resume, risk: read, do: {builtin: backup.verify}, undo: none}",
      ].join("\n"),
    );
    const plain = await loadRunbook("backup", {});
    const changed = await loadRunbook("backup", { PGRESCUE_RUNBOOKS: site });
    expect(changed.runbook.steps.slice(0, 3).map((s) => s.title)).toEqual([
      "Ask server and repository",
      "Copy our files",
      "Tell us",
    ]);
    expect(changed.sha256).not.toBe(plain.sha256);
    await writeFile(join(site, "backup.overlay.yaml"), "overlays: backup\nsteps: [{id: nosuch, title: Half a step}]");
    await expect(loadRunbook("backup", { PGRESCUE_RUNBOOKS: site })).rejects.toMatchObject({
      code: "config",
      message: expect.stringContaining("steps.nosuch"),
    });
    await expect(loadRunbook("bakcup", {})).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining("did you mean backup"),
    });
  });
});

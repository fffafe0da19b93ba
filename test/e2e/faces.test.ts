import { expect, test } from "vitest";
import type { RunEvent } from "../../src/domain/run/events.ts";
import { openShop } from "../support/shop.ts";
import { openTmux } from "../support/tmux.ts";

test("one real run, seen in five ways: the same steps, the same verdicts, the same end", async () => {
  await using shop = await openShop({
    cluster: { checks: [{ name: "all is there", sql: "select count(*) = 7 from t" }] },
  });
  await shop.server.sql("create table t as select g from generate_series(1, 7) g");
  await shop.must(0, "backup", "--no-input");
  const to = shop.place("faces");
  const live = shop.watch("recover", "--latest", "--to", to, "--no-input");
  const told: RunEvent[] = [];
  await live.until((event) => {
    told.push(event);
    return false;
  });
  expect(await live.ended, JSON.stringify(told.slice(-3))).toBe(0);
  const run = told[0]?.run ?? "";
  const facts = told.filter((event) => event.event !== "progress");
  const done = facts.flatMap((e) => (e.event === "step-finished" ? [{ id: e.step, status: e.result }] : []));
  const verdicts = facts.flatMap((e) => (e.event === "verdict" ? [e.verdict] : []));
  expect(done.length).toBeGreaterThan(8);
  expect(verdicts.map((v) => v.title)).toContain("all is there");

  // The journal, as events: exactly what was shown while it happened.
  const journal = await shop.must(0, "report", run, "--format", "jsonl");
  expect(journal.stdout.split("\n").map((line) => JSON.parse(line) as RunEvent)).toEqual(facts);

  // One document.
  const { stdout } = await shop.must(0, "attach", run, "--json");
  const document = JSON.parse(stdout) as {
    readonly steps: readonly { readonly id: string; readonly status: string; readonly title: string }[];
    readonly verdicts: readonly { readonly title: string; readonly result: string }[];
    readonly connection: string;
    readonly outcome: { readonly message: string };
  };
  expect(document.steps.map(({ id, status }) => ({ id, status }))).toEqual(done);
  expect(document.verdicts.map((v) => v.title)).toEqual(verdicts.map((v) => v.title));
  expect(await shop.query(document.connection, "select count(*) from t")).toBe("7");

  // Headless, as text on stderr; stdout is the answer alone.
  const headless = await shop.must(0, "attach", run, "--no-input");
  expect(headless.stdout).toBe(document.connection);
  // Markdown.
  const report = await shop.must(0, "report", run);
  for (const { title } of document.steps) {
    expect(headless.stderr).toContain(title);
    expect(report.stdout).toContain(title);
  }
  for (const { title } of verdicts) {
    expect(headless.stderr).toContain(title);
    expect(report.stdout).toContain(title);
  }

  // Line by line, and the console, in a real terminal.
  {
    await using plain = await openTmux(shop.argv("attach", run, "--plain"));
    await plain.waitFor(/\[exit 0\]/);
    const shown = await plain.history();
    for (const { title } of document.steps) expect(shown).toContain(title);
    expect(shown.replaceAll("\n", "")).toContain(document.connection);
  }
  {
    await using console_ = await openTmux(shop.argv("attach", run), { columns: 120, rows: 40 });
    const shown = await console_.waitFor(/REC ■/);
    expect(shown).toContain(run);
    await console_.press("q");
    expect(await console_.waitFor(/\[exit 0\]/)).toContain(
      `${run}: finished, ${done.length} of ${done.length} steps done`,
    );
  }
  await shop.stopServerOf(to);
});

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openShop, shopSecret, type Shop } from "../support/shop.ts";
import { openTmux, type TmuxTerminal } from "../support/tmux.ts";

const checks = [{ name: "orders are there", sql: "select count(*) > 0 from orders" }];

/** Orders and customers, a backup, more orders, then somebody deletes the orders and drops the customers. */
async function disaster(shop: Shop): Promise<string> {
  const { server } = shop;
  await server.sql(
    "create table customers (id int primary key); insert into customers select generate_series(1, 50); create table orders (id int primary key, customer int references customers); insert into orders select n, 1 + n % 50 from generate_series(1, 1000) n",
  );
  await shop.must(0, "backup", "--no-input");
  await server.sql("insert into orders select n, 1 + n % 50 from generate_series(1001, 1500) n");
  const xid = await shop.transaction("delete from orders");
  await server.sql("drop table customers cascade");
  return xid;
}

/** From the first screen to the method: target before that transaction, found in the WAL. */
async function chooseTarget(terminal: TmuxTerminal, xid: string): Promise<void> {
  await terminal.waitFor(/STATE +\[ OK \] accepting connections/);
  await terminal.press("2", "Enter");
  await terminal.waitFor(/Where shall recovery stop/);
  await terminal.press("Down");
  await terminal.waitFor(/❯ before a transaction/);
  await terminal.type(xid);
  await terminal.waitFor(new RegExp(`> ${xid}▏`));
  await terminal.press("Enter");
  const found = await terminal.waitFor(/\[ OK \] just before xid/);
  expect(found).toContain(`keeps everything up to transaction ${BigInt(xid) - 1n}`);
  await terminal.press("Enter");
  await terminal.waitFor(/Users down/);
}

/** Types the confirmation wherever the run asks for it; gives the places that it was asked at. */
async function confirmUntilOver(terminal: TmuxTerminal, text: string): Promise<readonly string[]> {
  const asked: string[] = [];
  for (;;) {
    const shown = await terminal.waitFor(/step \d+\/\d+ ═|REC ■/, 90);
    const place = /step (\d+\/\d+) ═/.exec(shown)?.[1];
    if (place === undefined) return asked;
    if (asked.length === 0) {
      // Nothing but the exact text will do, and Enter alone never does.
      await terminal.waitFor(/\[ {4}\] type the text exactly/);
      await terminal.type("shop");
      await terminal.press("Enter");
      await terminal.waitFor(/the text is not the same/);
      await terminal.type(text.slice("shop".length));
    } else await terminal.type(text);
    const ready = await terminal.waitFor(/\[ OK \] Enter answers/);
    // The host, its system identifier and the way back are seen before it happens.
    expect(ready).toMatch(/Where +shop@/);
    expect(ready).toMatch(/system id/);
    expect(ready).toMatch(/Undo/);
    await terminal.press("Enter");
    await terminal.waitFor(new RegExp(`^(?![^]*step ${place} ═)`));
    asked.push(place);
  }
}

/** Presses Tab until that view of the run is shown. */
async function turnTo(terminal: TmuxTerminal, phase: string): Promise<string> {
  for (let turns = 0; turns < 5; turns++) {
    const shown = await terminal.waitFor(/\[\d \w+\]/);
    const lit = /\[\d \w+\]/.exec(shown)?.[0] ?? "";
    if (lit === `[${phase}]`) return shown;
    await terminal.press("Tab");
    await terminal.waitFor(new RegExp(`^(?![^]*\\[${lit.slice(1, -1)}\\])[^]*\\[\\d`));
  }
  throw new Error(`no view ${phase}`);
}

/** Every screen that was seen: at most 23 lines, so that nothing flickers, and no line had to be wrapped. */
function expectGoodScreens(terminal: TmuxTerminal, atLeast: number): void {
  const screens = terminal.fullScreens();
  expect(screens.length).toBeGreaterThan(atLeast);
  for (const screen of screens) {
    const text = screen.join("\n");
    expect(screen.findLastIndex((line) => line !== "") + 1, text).toBeLessThanOrEqual(23);
    for (const line of screen) expect(Array.from(line).length, text).toBeLessThanOrEqual(80);
    expect(text).not.toContain(shopSecret);
  }
}

test("at 80x24, a DELETE and a DROP TABLE on a live server are undone in place, confirmed by name, and recorded", async () => {
  await using shop = await openShop({ cluster: { checks } });
  const xid = await disaster(shop);
  const pointsBefore = await points(shop);
  await using terminal = await openTmux(shop.argv());
  await chooseTarget(terminal, xid);
  expect((await terminal.frame()).join("\n")).toContain("2 transactions");
  await terminal.press("Down");
  await terminal.waitFor(/❯ B/);
  await terminal.press("Enter");
  await terminal.waitFor(/Preflight +rewind in place .* ok/);
  await terminal.waitFor(/Production changes: at its own step, after its name was typed/);
  // Whatever is looked at: nothing has changed yet.
  expect(await shop.server.sql("select count(*) from orders")).toBe("0");
  await terminal.press("d");
  await terminal.waitFor(/Dry run/);
  await terminal.press("d");
  await terminal.waitFor(/Preflight/);
  await terminal.press("Enter");
  const asked = await confirmUntilOver(terminal, shop.confirm);
  expect(asked.length).toBeGreaterThanOrEqual(3);
  const over = await terminal.waitFor(/REC ■/);
  const run = /R\d{8}-\d{4}-\w+/.exec(over)?.[0] ?? "";
  expect(await turnTo(terminal, "4 Verify")).toContain("RECOVERED");
  expect(await turnTo(terminal, "6 Record")).toMatch(/finished[^]*decision/);
  await terminal.press("q");
  await terminal.waitFor(/\[exit 0\]/);
  expectGoodScreens(terminal, 15);

  // The live server has every row again, takes writes, archives on a new timeline, and has a fresh backup.
  expect(await shop.server.sql("select count(*), min(id), max(id) from orders")).toBe("1500|1|1500");
  expect(await shop.server.sql("select count(*) from customers")).toBe("50");
  expect(await shop.server.sql("select pg_is_in_recovery(), timeline_id from pg_control_checkpoint()")).toBe("f|2");
  await shop.server.sql("insert into orders values (1501, 1)");
  await shop.archived();
  const pointsAfter = await points(shop);
  expect(pointsAfter.length).toBe(pointsBefore.length + 1);
  expect(pointsAfter.at(-1)).toMatchObject({ status: "ok", timeline: 2 });
  // What stood there before is kept.
  const aside = (await readdir(shop.directory)).filter((name) => name.startsWith("data.old"));
  expect(aside).toHaveLength(1);
  expect(await readdir(join(shop.directory, aside[0] ?? ""))).toContain("PG_VERSION");

  const { stdout: report } = await shop.must(0, "report", run);
  expect(report).toContain(`# ${run}: recovery of shop`);
  expect(report).toMatch(/\| Result \| done/);
  expect(report.split("\n").filter((line) => line.includes("**decision**"))).toHaveLength(asked.length);
  expect(report).toContain(shop.confirm);
  expect(report).toContain("orders are there");
});

test("at 80x24, beside production: it pauses in the past, is checked, and production never changes", async () => {
  await using shop = await openShop({ cluster: { checks } });
  const xid = await disaster(shop);
  await using terminal = await openTmux(shop.argv());
  await chooseTarget(terminal, xid);
  await terminal.press("Enter");
  await terminal.waitFor(/Preflight .* ok/);
  await terminal.waitFor(/Safe: production is not touched/);
  await terminal.press("Enter");
  await terminal.waitFor(/REC ■/, 90);
  expect(await turnTo(terminal, "4 Verify")).toContain("orders are there");
  await terminal.press("q");
  await terminal.waitFor(/\[exit 0\]/);
  const left = await terminal.history();
  const connection = /Connect with: +(host=.*)/.exec(left)?.[1] ?? "";
  expect(connection, left).not.toBe("");
  expect(await shop.query(connection, "select pg_is_in_recovery(), count(*) from orders")).toBe("t|1500");
  expect(await shop.query(connection, "select count(*) from customers")).toBe("50");
  await expect(shop.query(connection, "insert into orders values (9999, 1)")).rejects.toThrow("read-only");
  // Production is as the accident left it.
  expect(await shop.server.sql("select count(*), to_regclass('customers') is null from orders")).toBe("0|t");
  expectGoodScreens(terminal, 8);
});

async function points(shop: Shop): Promise<readonly { readonly status: string; readonly timeline: number }[]> {
  const { stdout } = await shop.must(0, "points", "--json");
  return (JSON.parse(stdout) as { readonly points: readonly { status: string; timeline: number }[] }).points;
}

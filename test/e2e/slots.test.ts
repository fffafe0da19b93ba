import { readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { openShop, type Shop } from "../support/shop.ts";

let shop: Shop;

beforeAll(async () => {
  shop = await openShop();
  const config = parse(await readFile(shop.configFile, "utf8")) as object;
  const schedule = [
    { cluster: "shop", backup: "base", at: "0 1 1 1 *" },
    { cluster: "shop", backup: "dump", databases: ["postgres"], at: "30 2 1 1 *", timeZone: "Europe/Berlin" },
  ];
  await writeFile(shop.configFile, stringify({ ...config, schedule }));
});

afterAll(async () => {
  await shop[Symbol.asyncDispose]();
});

async function slots(): Promise<readonly (string | undefined)[]> {
  const { stdout } = await shop.must(0, "points", "--json");
  return (JSON.parse(stdout) as { readonly points: readonly { readonly slot?: string }[] }).points.map((p) => p.slot);
}

test("two that are asked for the same slot at once make one backup: who waited for the lock looks again", async () => {
  await shop.must(0, "backup");
  const words = ["backup", "--slot", "2026-11-20T01:00Z", "--lock-wait", "2m"];
  const both = await Promise.all([shop.must(0, ...words), shop.must(0, ...words)]);
  expect(both.filter(({ stderr }) => stderr.includes("was taken for base@2026-11-20T01:00:00Z already"))).toHaveLength(
    1,
  );
  expect(await slots()).toEqual([undefined, "base@2026-11-20T01:00:00Z"]);
  // The one that did nothing is not shown as if it were cut off.
  expect((await shop.must(0, "status")).stdout).not.toContain("not ended");
});

test("--slot latest is the newest time of the schedule's entry for that backup, in the entry's time zone", async () => {
  const year = new Date().getUTCFullYear();
  const dump = ["backup", "--kind", "dump", "--database", "postgres", "--slot", "latest"];
  await shop.must(0, ...dump);
  expect((await shop.must(0, ...dump)).stderr).toContain(
    `was taken for dump(postgres)@${year}-01-01T01:30:00Z already`,
  );
  expect((await slots()).slice(2)).toEqual([`dump(postgres)@${year}-01-01T01:30:00Z`]);
  // Another backup than any of the schedule's has no slot there.
  const refused = await shop.must(2, "backup", "--kind", "dump", "--slot", "latest");
  expect(refused.stderr).toContain("no entry of the schedule is a dump of all databases of shop that was ever due");
  expect(await slots()).toHaveLength(3);
});

import { access, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { giveToServer } from "../support/server.ts";
import { openShop, type Shop } from "../support/shop.ts";

let shop: Shop;
let place: string;
const ids: string[] = [];

interface Document {
  readonly points: readonly { readonly id: string; readonly status: string }[];
  readonly windows: readonly unknown[];
}

beforeAll(async () => {
  shop = await openShop({ cluster: { policy: "short" } });
  await policies({ short: { base: { last: 2 } } });
  await shop.server.sql("create table orders as select n as id from generate_series(1, 1000) n");
  for (let n = 0; n < 4; n++) {
    await shop.must(0, "backup", "--json", ...(n === 0 ? ["--keep", "yearly"] : []));
    await shop.server.sql(`insert into orders values (${2000 + n})`);
    await shop.archived();
    await shop.archived();
  }
  ids.push(...(await points()).points.map((p) => p.id));
  const [system = ""] = (await readdir(join(shop.repository, "shop"))).filter((name) => /^\d+$/.test(name));
  place = join(shop.repository, "shop", system);
});

afterAll(async () => {
  await shop[Symbol.asyncDispose]();
});

async function policies(all: object): Promise<void> {
  const config = parse(await readFile(shop.configFile, "utf8")) as object;
  await writeFile(shop.configFile, stringify({ ...config, policies: all }));
}

async function points(): Promise<Document> {
  return JSON.parse((await shop.must(0, "points", "--json")).stdout) as Document;
}

async function decisions(...words: readonly string[]): Promise<readonly (readonly [string, string, string])[]> {
  const { repositories } = JSON.parse((await shop.must(0, "expire", "--json", ...words)).stdout) as {
    readonly repositories: readonly {
      readonly points: readonly { readonly id: string; readonly action: string; readonly reason: string }[];
    }[];
  };
  return repositories.flatMap((r) => r.points.map((p) => [p.id, p.action, p.reason] as const));
}

const stored = async (): Promise<readonly string[]> =>
  (await readdir(place, { recursive: true })).filter((name) => name.endsWith(".zst") && name.startsWith("wal/"));

test("without --apply it says what would go and why, and changes nothing", async () => {
  const before = await readdir(place, { recursive: true });
  expect(await decisions()).toEqual([
    [ids[0], "delete", "no rule keeps it"],
    [ids[1], "delete", "no rule keeps it"],
    [ids[2], "keep", "among the newest 2"],
    [ids[3], "keep", "among the newest 2"],
  ]);
  const { stdout } = await shop.must(0, "expire");
  expect(stdout).toContain(`delete  ${ids[0]}`);
  expect(stdout).toContain(`the window that begins with ${ids[2]}`);
  expect(stdout).toMatch(/2 points \(.*\) and \d+ segments of WAL would be removed\.\nNothing was changed/);
  expect(await readdir(place, { recursive: true })).toEqual(before);
});

test("a backup taken by hand is kept by the rule that it named", async () => {
  await policies({ short: { base: { last: 2 } }, long: { base: { yearly: 3 } } });
  const [first] = await decisions("--policy", "long");
  expect(first).toEqual([ids[0], "keep", "taken by hand to be kept as yearly"]);
});

test("a policy that does not exist, or none at all, is an error with the way out", async () => {
  expect((await shop.must(2, "expire", "--policy", "shirt")).stderr).toContain("did you mean short?");
  await policies({});
  expect((await shop.must(2, "expire")).stderr).toContain("there is no policy short");
  await policies({ short: { base: { last: 2 } } });
});

test("what is held stays, on every host, until it is released", async () => {
  const point = ids[1] ?? "";
  expect((await shop.must(2, "hold", point)).stderr).toContain("a hold needs a reason");
  expect((await shop.must(20, "hold", "20200101T000000Z-base", "--reason", "x")).stderr).toContain("there is no point");
  await shop.must(0, "hold", point, "--reason", "ticket 4711", "--owner", "ann", "--until", "30d");
  expect((await decisions())[1]).toEqual([point, "keep", "held by ann: ticket 4711"]);
  await shop.must(0, "release", point);
  await shop.must(20, "release", point);
  expect((await decisions())[1]?.[1]).toBe("delete");
});

test("a hold that cannot be read stops the expiry", async () => {
  await shop.must(0, "hold", "everything", "--reason", "incident");
  const file = join(shop.repository, "shop", "holds", "everything.json");
  const text = await readFile(file);
  await writeFile(file, text.subarray(0, 20));
  expect((await shop.must(50, "expire", "--apply")).stderr).toContain("is not a hold that can be read");
  await writeFile(file, text);
  expect((await decisions()).every(([, action]) => action === "keep")).toBe(true);
  await shop.must(0, "release", "everything");
});

test("--apply is refused while the newest backup cannot be opened", async () => {
  const index = join(place, "base", ids[3] ?? "", "base.index.zst");
  const bytes = await readFile(index);
  await writeFile(index, Buffer.from("rubbish"));
  const { stderr } = await shop.must(30, "expire", "--apply", "--headless");
  expect(stderr).toContain("The newest backup in main can be opened");
  await writeFile(index, bytes);
  expect((await points()).points).toHaveLength(4);
});

test("--apply removes the points, the WAL before the window and what killed uploads left, and the rest can be restored", async () => {
  const old = join(place, ".pgrescue-0123456789abcdef01.tmp");
  const fresh = join(place, ".pgrescue-0123456789abcdef02.tmp");
  for (const file of [old, fresh]) await writeFile(file, "x");
  await giveToServer(place);
  await utimes(old, 0, 0);
  const before = await stored();
  const { stdout } = await shop.must(0, "expire", "--apply", "--json");
  expect(JSON.parse(stdout)).toMatchObject({ kind: "expiry", outcome: { result: "done" } });
  const left = await points();
  expect(left.points.map((p) => [p.id, p.status])).toEqual([
    [ids[2], "ok"],
    [ids[3], "ok"],
  ]);
  expect(left.windows).toHaveLength(1);
  expect((await readdir(join(place, "base"))).toSorted()).toEqual(expect.arrayContaining([ids[2], ids[3]]));
  const after = await stored();
  expect(after.length).toBeLessThan(before.length);
  expect(before.slice(-after.length)).toEqual(after);
  await expect(access(old)).rejects.toThrow("ENOENT");
  await access(fresh);
  expect((await decisions()).every(([, action]) => action === "keep")).toBe(true);
  const to = shop.place("after-expiry");
  const { stdout: connection } = await shop.must(0, "recover", "--latest", "--to", to, "--yes", "--no-input");
  expect(await shop.query(connection.trim(), "select count(*) from orders")).toBe("1004");
  await shop.stopServerOf(to);
  // Its hold is gone with it; the runner takes it away after the run's last event.
  await vi.waitFor(async () => expect(await readdir(join(shop.repository, "shop", "holds"))).toEqual([]), 20_000);
});

test("a policy that has changed and removes more is applied only when that was seen", async () => {
  await policies({ short: { base: { last: 1 } } });
  const { stdout } = await shop.must(0, "expire");
  expect(stdout).toContain(`kept before, removed now: ${ids[2]}`);
  expect((await shop.must(30, "expire", "--apply", "--headless")).stderr).toContain("the policy has changed");
  await shop.must(0, "expire", "--apply", "--accept-policy", "--headless");
  expect((await points()).points.map((p) => p.id)).toEqual([ids[3]]);
});

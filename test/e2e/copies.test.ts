import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newRepository } from "../support/new-repository.ts";
import { giveToServer } from "../support/server.ts";
import { openShop, type Shop } from "../support/shop.ts";

let shop: Shop;
let offsite: string;
const ids: string[] = [];

beforeAll(async () => {
  shop = await openShop();
  offsite = join(shop.directory, "offsite");
  await mkdir(offsite, { mode: 0o700 });
  await newRepository(offsite);
  await giveToServer(offsite);
  await shop.server.sql(
    "create table orders as select n as id, repeat('y', 300) as text from generate_series(1, 30000) n",
  );
  for (let n = 0; n < 2; n++) {
    await shop.must(0, "backup", "--no-input");
    await shop.server.sql(`insert into orders values (${50_000 + n})`);
    await shop.archived();
  }
  // The second place is named only now: WAL before that is in the first one alone.
  const config = parse(await readFile(shop.configFile, "utf8"));
  config.repositories.offsite = { url: `file://${offsite}` };
  config.clusters.shop.repositories = ["main", "offsite"];
  await writeFile(shop.configFile, stringify(config));
  ids.push(...(await points("main")).map((p) => p.id));
});

afterAll(async () => {
  await shop[Symbol.asyncDispose]();
});

async function points(repository: string): Promise<readonly { readonly id: string; readonly status: string }[]> {
  return JSON.parse((await shop.must(0, "points", "--json", "--repository", repository)).stdout).points;
}

const placeOf = async (root: string): Promise<string> => {
  const [system = ""] = (await readdir(join(root, "shop"))).filter((name) => /^\d+$/.test(name));
  return join(root, "shop", system);
};

test("--dry-run says what would be copied, and copies nothing", async () => {
  const { stdout } = await shop.must(0, "copy", "--dry-run");
  expect(stdout).toContain("copy 2 points from main to offsite");
  expect(await readdir(offsite)).toEqual(["pgrescue.json"]);
});

test("a copy that was cut off is not offered, and goes on", async () => {
  const watched = shop.watch("copy", "--point", "latest");
  await watched.until((event) => event.event === "step-started");
  watched.child.kill("SIGTERM");
  await watched.ended;
  await shop.must(0, "copy", "--no-input", "--json");
  expect(await points("offsite")).toMatchObject(ids.map((id) => ({ id, status: "ok" })));
  const files = async (root: string): Promise<string[]> =>
    (await readdir(await placeOf(root), { recursive: true }))
      .filter((name) => /\.(?:zst|backup|history|json)$/.test(name))
      .toSorted();
  expect(await files(offsite)).toEqual(await files(shop.repository));
  // Nothing is left to do, and that is fine.
  await shop.must(0, "copy", "--no-input");
});

test("a damaged source is not copied, and what the other place holds under the name is not replaced", async () => {
  await shop.must(0, "backup", "--no-copy", "--no-input");
  const newest = (await points("main")).map((p) => p.id).at(-1) ?? "";
  const archive = join(await placeOf(shop.repository), "base", newest, "base.tar.zst");
  const bytes = await readFile(archive);
  const damaged = Buffer.from(bytes);
  damaged[1000] = (damaged[1000] ?? 0) ^ 1;
  await writeFile(archive, damaged);
  expect((await shop.must(50, "copy", "--point", newest, "--no-input")).stderr).toContain("is not what was written");
  expect((await points("offsite")).map((p) => [p.id, p.status])).toContainEqual([newest, "incomplete"]);
  await writeFile(archive, bytes);
  await shop.must(0, "copy", "--point", newest, "--no-input");
  expect((await points("offsite")).map((p) => [p.id, p.status])).toContainEqual([newest, "ok"]);
});

test("a backup is brought into the other repositories, too, and goes on where one of them was away", async () => {
  await shop.must(0, "backup", "--no-input");
  await shop.must(0, "backup", "--kind", "dump", "--no-input");
  const [here, there] = [await points("main"), await points("offsite")];
  expect(there.filter((p) => p.status === "ok").map((p) => p.id)).toEqual(here.map((p) => p.id));

  const away = `${offsite}-away`;
  await rename(offsite, away);
  await writeFile(offsite, "a disk that is not mounted");
  const { stdout } = await shop.pgrescue("backup", "--kind", "dump", "--json");
  const run = JSON.parse(stdout) as { readonly id: string; readonly outcome: { readonly result: string } };
  expect(run.outcome.result).toBe("failed");
  const taken = (await points("main")).at(-1)?.id;
  await rm(offsite);
  await rename(away, offsite);
  await shop.must(0, "continue", run.id, "--no-input");
  expect((await points("offsite")).at(-1)).toMatchObject({ id: taken, status: "ok" });
});

test("a recovery goes on from the copy where an archive of the first place is damaged, and says so", async () => {
  const [first = ""] = ids;
  const archive = join(await placeOf(shop.repository), "base", first, "base.tar.zst");
  const bytes = await readFile(archive);
  const damaged = Buffer.from(bytes);
  damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 1;
  await writeFile(archive, damaged);
  const to = shop.place("from-copy");
  const { stdout, stderr } = await shop.must(
    0,
    "recover",
    "--latest",
    "--point",
    first,
    "--to",
    to,
    "--yes",
    "--no-input",
  );
  expect(stderr).toMatch(/main failed: frame \d+ of .* is not what was written/);
  expect(stderr).toContain("going on from offsite");
  expect(await shop.query(stdout.trim(), "select count(*) from orders")).toBe("30002");
  await shop.stopServerOf(to);
  await writeFile(archive, bytes);
});

test("a recovery works with the first place gone", async () => {
  const away = `${shop.repository}-away`;
  await rename(shop.repository, away);
  const to = shop.place("first-gone");
  const { stdout } = await shop.must(0, "recover", "--latest", "--to", to, "--yes", "--no-input");
  expect(await shop.query(stdout.trim(), "select count(*) from orders")).toBe("30002");
  await shop.stopServerOf(to);
  await rename(away, shop.repository);
});

test("places that are encrypted differently are not copied into each other", async () => {
  await rm(offsite, { recursive: true });
  await mkdir(offsite, { mode: 0o700 });
  const document = JSON.parse(await readFile(join(shop.repository, "pgrescue.json"), "utf8"));
  await writeFile(join(offsite, "pgrescue.json"), JSON.stringify({ ...document, recipients: ["age1qqqqqqqqqq"] }));
  await giveToServer(offsite);
  expect((await shop.must(30, "copy", "--no-input")).stderr).toContain("is encrypted and");
});

import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { afterAll, expect, test } from "vitest";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { giveToServer } from "../support/server.ts";
import { openShop, type Shop } from "../support/shop.ts";

const shops: Shop[] = [];

afterAll(async () => {
  for (const shop of shops) await shop[Symbol.asyncDispose]();
});

async function shopWith(include: (shop: Shop) => readonly object[], isEncrypted = false): Promise<Shop> {
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const shop = await openShop(isEncrypted ? { encryption: { identity, recipient } } : {});
  shops.push(shop);
  const file = join(shop.directory, "app.yaml");
  await writeFile(file, "database: shop\n");
  await giveToServer(file);
  const config = parse(await readFile(shop.configFile, "utf8")) as { clusters: { shop: object } };
  await writeFile(
    shop.configFile,
    stringify({ ...config, clusters: { shop: { ...config.clusters.shop, include: include(shop) } } }),
  );
  return shop;
}

async function points(shop: Shop): Promise<readonly { readonly id: string; readonly status: string }[]> {
  return (JSON.parse((await shop.must(0, "points", "--json")).stdout) as { points: { id: string; status: string }[] })
    .points;
}

test("files and what commands print travel with base backups and dumps, encrypted, and come back", async () => {
  const shop = await shopWith(
    ({ directory }) => [
      { file: join(directory, "app.yaml") },
      { command: ["sh", "-c", "echo kind: ConfigMap; echo $0", "it's"], as: "configmaps.yaml" },
      { command: ["echo", "the-password"], as: "secrets.yaml", secret: true },
    ],
    true,
  );
  await shop.must(0, "backup", "--json");
  await shop.must(0, "backup", "--kind", "dump", "--database", "postgres", "--json");
  for (const [at, { id }] of (await points(shop)).entries()) {
    const to = shop.place(`files-${at}`);
    await shop.must(0, "recover", "--method", "dump-as-files", "--point", id, "--to", to, "--json");
    const read = (name: string): Promise<string> => readFile(join(to, "include", name), "utf8");
    expect((await readdir(join(to, "include"))).sort()).toEqual(["app.yaml", "configmaps.yaml", "secrets.yaml"]);
    expect([await read("app.yaml"), await read("configmaps.yaml"), await read("secrets.yaml")]).toEqual([
      "database: shop\n",
      "kind: ConfigMap\nit's\n",
      "the-password\n",
    ]);
    await shop.must(0, "verify", id);
  }
  // Nothing of it lies there readable.
  for (const name of await readdir(shop.repository, { recursive: true })) {
    const bytes = await readFile(join(shop.repository, name)).catch(() => Buffer.alloc(0));
    expect(bytes.includes("the-password"), name).toBe(false);
  }
});

test.each([
  ["a file that is not there", [{ file: "/nonexistent/app.yaml" }], "cannot be included: ENOENT"],
  [
    "a command that fails",
    [{ command: ["sh", "-c", "echo no such cluster >&2; exit 3"], as: "x" }],
    "it ended with 3: no such cluster",
  ],
  ["a command that prints nothing", [{ command: ["true"], as: "x" }], "it printed nothing"],
  ["a program that there is none of", [{ command: ["/nonexistent/kubectl"], as: "x" }], "cannot be included"],
  [
    "a secret that would lie there readable",
    [{ command: ["echo", "s"], as: "x", secret: true }],
    "is secret, and this repository is not encrypted",
  ],
])("%s fails the backup, and nothing of it is offered", async (_what, include, words) => {
  const shop = await shopWith(() => include);
  for (const kind of ["base", "dump"]) {
    const { stderr, exit } = await shop.pgrescue("backup", "--kind", kind);
    expect([exit, stderr]).toEqual([30, expect.stringContaining(words)]);
  }
  expect((await points(shop)).filter((p) => p.status === "ok")).toEqual([]);
});

test("two of one name are refused", async () => {
  const shop = await shopWith(() => [{ file: "/etc/hosts" }, { file: "/srv/hosts" }]);
  expect((await shop.must(2, "backup")).stderr).toContain('"hosts" is there twice');
});

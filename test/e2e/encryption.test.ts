import { execFileSync } from "node:child_process";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pgrescue } from "../support/program.ts";
import { giveToServer } from "../support/server.ts";
import { openShop, type Shop } from "../support/shop.ts";

let shop: Shop;
let identity: string;
let recipient: string;
let before: string;

beforeAll(async () => {
  identity = await generateX25519Identity();
  recipient = await identityToRecipient(identity);
  shop = await openShop({ encryption: { identity, recipient } });
  await shop.server.sql(
    "create table patients as select n as id, 'Jane Q. Public' as name from generate_series(1, 2000) n",
  );
});

afterAll(async () => {
  await shop[Symbol.asyncDispose]();
});

const points = async (...words: readonly string[]) =>
  JSON.parse((await shop.must(0, "points", "--json", ...words)).stdout);

test("nothing of the database's lies readable in the repository", async () => {
  await shop.must(0, "backup", "--no-input");
  await shop.server.sql("insert into patients select n, 'Jane Q. Public' from generate_series(2001, 2100) n");
  before = await shop.now();
  await shop.server.sql("drop table patients");
  await shop.archived();
  await shop.archived();
  const names = (await readdir(shop.repository, { recursive: true, withFileTypes: true })).filter((e) => e.isFile());
  expect(names.filter((e) => /\.(?:zst|tar)$/.test(e.name))).toEqual([]);
  expect(names.filter((e) => e.name.endsWith(".age")).length).toBeGreaterThan(5);
  // All of it decompressed would show the name; what is there does not even have the magic of zstd.
  const grep = execFileSync("sh", ["-c", `grep -rlaE 'Jane Q|patients' '${shop.repository}' || true`], {
    encoding: "utf8",
  });
  expect(grep).toBe("");
});

test("points, verify and wal-push need no key", async () => {
  const config = await readFile(shop.configFile, "utf8");
  await writeFile(shop.configFile, config.replace(/ *identityFile: .*\n/, ""));
  expect((await points()).points).toMatchObject([{ status: "ok", encrypted: true }]);
  await shop.must(0, "verify");
  const segments = async () =>
    (await readdir(shop.repository, { recursive: true })).filter((n) => /wal\/.*\.zst\.age$/.test(n));
  const earlier = (await segments()).length;
  await shop.server.sql("create table more as select 1 as n");
  await shop.archived();
  expect((await segments()).length).toBeGreaterThan(earlier);
  // The same segment again: a writer that cannot read still knows its own.
  const doctor = await shop.pgrescue("doctor", "--json");
  const verdicts = (JSON.parse(doctor.stdout) as { verdicts: { check: string; result: string; mend?: string }[] })
    .verdicts;
  expect(verdicts.find((v) => v.check.startsWith("key"))).toMatchObject({
    result: "fail",
    mend: expect.stringContaining("--identity"),
  });
  const { stderr, exit } = await shop.pgrescue(
    "recover",
    "--latest",
    "--to",
    shop.place("no-key"),
    "--yes",
    "--no-input",
  );
  expect(exit, stderr).toBe(12);
  expect(stderr).toContain("no key is at hand");
  await writeFile(shop.configFile, config);
});

test("another key is told from none, and neither is shown", async () => {
  const other = join(shop.directory, "other.key");
  await writeFile(other, `${await generateX25519Identity()}\n`, { mode: 0o600 });
  await giveToServer(other);
  const words = ["recover", "--latest", "--to", shop.place("wrong-key"), "--yes", "--no-input", "--identity", other];
  const { stderr, exit } = await shop.pgrescue(...words);
  expect(exit).toBe(12);
  expect(stderr).toContain("is encrypted to other keys than the ones at hand");
  expect(stderr).toContain(recipient);
});

test("with the key it is recovered, to the moment before the mistake", async () => {
  const doctor = JSON.parse((await shop.pgrescue("doctor", "--json")).stdout) as { verdicts: { check: string }[] };
  expect(doctor.verdicts.find((v) => v.check.startsWith("key"))).toMatchObject({ result: "pass" });
  const to = shop.place("scratch");
  const { stdout } = await shop.must(
    0,
    "recover",
    "--target-time",
    before,
    "--to",
    to,
    "--yes",
    "--no-input",
    "--headless",
  );
  expect(await shop.query(stdout.trim(), "select count(*) from patients")).toBe("2100");
  await shop.stopServerOf(to);
  await shop.must(0, "wal-verify");
});

test("an empty host needs the URL and the identity", async () => {
  const url = `file://${shop.repository}`;
  const key = join(shop.directory, "identity");
  const to = shop.place("empty-host");
  const state = join(shop.directory, "other-state");
  const places = ["--repository", url, "--identity", key, "--to", to, "--state-dir", state];
  const { exit, stdout, stderr } = await pgrescue([
    "recover",
    ...places,
    "--target-time",
    before,
    "--yes",
    "--no-input",
  ]);
  expect(stderr.split("\n").slice(-3).join("\n"), stderr).not.toContain("What to do");
  expect(exit).toBe(0);
  expect(await shop.query(stdout.trim(), "select count(*) from patients")).toBe("2100");
  await shop.stopServerOf(to);
});

test("a configuration that wants encryption is not served by a repository without it", async () => {
  const plain = await openShop();
  const config = await readFile(plain.configFile, "utf8");
  await writeFile(
    plain.configFile,
    config.replace(
      /( +)main:\n/,
      (line, indent: string) => `${line}${indent}  encryption: { recipients: [${recipient}] }\n`,
    ),
  );
  const { stderr } = await plain.must(30, "backup", "--no-input");
  expect(stderr).toContain("is not encrypted, and its configuration says that it shall be");
  await plain[Symbol.asyncDispose]();
});

test("generate keys makes a pair, and never replaces one", async () => {
  const file = join(shop.directory, "new.key");
  const { stdout } = await shop.must(0, "generate", "keys", "--output", file);
  expect(stdout.trim()).toMatch(/^age1[0-9a-z]{50,}$/);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const [, secret = ""] = (await readFile(file, "utf8")).split("\n");
  expect(await identityToRecipient(secret)).toBe(stdout.trim());
  expect((await shop.must(30, "generate", "keys", "--output", file)).stderr).toContain("not written");
  expect((await shop.must(2, "generate", "key")).stderr).toContain("did you mean keys?");
});

test("no identity was printed anywhere", () => {
  expect(shop.printed.join("\n")).not.toMatch(/AGE-SECRET-KEY/);
});

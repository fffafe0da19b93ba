import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { pgrescue } from "../support/program.ts";
import { openShop, type Shop } from "../support/shop.ts";
import { giveToServer } from "../support/server.ts";

let shop: Shop;

beforeAll(async () => {
  shop = await openShop();
  await shop.server.sql("create table orders as select n as id from generate_series(1, 1000) n");
});

afterAll(async () => {
  await shop[Symbol.asyncDispose]();
});

test("a backup is added to the fleet's history in the repository", async () => {
  const { stdout } = await shop.must(0, "backup", "--json");
  const { id } = JSON.parse(stdout) as { readonly id: string };
  // The runner writes it after the run's last event: the face may be gone by then.
  const record = await vi.waitFor(
    async () => {
      const [month = ""] = await readdir(join(shop.repository, "shop", "runs"));
      return await readFile(join(shop.repository, "shop", "runs", month, `${id}.json`), "utf8");
    },
    { timeout: 20_000, interval: 50 },
  );
  expect(JSON.parse(record)).toMatchObject({
    schema: "pgrescue.run/v1",
    id,
    kind: "backup",
    outcome: { result: "done", exitCode: 0 },
  });
});

test("points lists the backup and a window; status, doctor and report agree that it is there", async () => {
  await shop.archived();
  const points = JSON.parse((await shop.must(0, "points", "--json")).stdout);
  expect(points).toMatchObject({
    schema: "pgrescue.points/v1",
    points: [{ kind: "base", status: "ok", cluster: "shop" }],
    holes: [],
  });
  expect(points.windows).toHaveLength(1);
  expect(JSON.parse((await shop.must(0, "status", "--json")).stdout)).toMatchObject({ schema: "pgrescue.status/v1" });
  const doctor = await shop.pgrescue("doctor", "--json");
  expect(JSON.parse(doctor.stdout)).toMatchObject({ schema: "pgrescue.doctor/v1", cluster: "shop" });
  expect((await shop.must(0, "report")).stdout).toMatch(/^# /);
});

test("check is a monitoring plugin: what is wrong, numbers, and an exit code", async () => {
  // Nothing was restored here yet.
  const { stdout } = await shop.must(1, "check");
  expect(stdout).toMatch(
    /^PGRESCUE WARNING - shop: no restore was ever tested here.* \| 'backup_age'=\d+s;93600;187200;0 /,
  );
  expect(stdout).toContain("'missing_segments'=0;;1;0");
  const limited = await shop.must(2, "check", "--backup-age", "0s,0s", "--json");
  expect(JSON.parse(limited.stdout)).toMatchObject({ schema: "pgrescue.check/v1", state: "CRITICAL" });
  const wrong = await shop.must(3, "check", "--backup-age", "soon");
  expect(wrong.stdout).toMatch(/^PGRESCUE UNKNOWN - .*are no limits/);
  expect((await shop.must(3, "check", "--cluster", "nobody")).stdout).toContain("no cluster nobody");
});

test("a run that is over is not aborted, and without a name not taken back either", async () => {
  for (const words of [["abort"], ["abort", "--undo"]]) {
    const { stderr } = await shop.must(2, ...words);
    expect(stderr).toMatch(/run \S+ is over: done/);
  }
});

test("verify reads a point's bytes, and finds a flipped one", async () => {
  const { points } = JSON.parse((await shop.must(0, "points", "--json")).stdout) as {
    points: { id: string; systemIdentifier: string }[];
  };
  const [point] = points;
  expect(JSON.parse((await shop.must(0, "verify", "--json")).stdout)).toMatchObject({
    schema: "pgrescue.verify/v1",
    point: point?.id,
    result: "pass",
  });
  const archive = join(shop.repository, "shop", point?.systemIdentifier ?? "", "base", point?.id ?? "", "base.tar.zst");
  const bytes = await readFile(archive);
  const at = Math.floor(bytes.length / 2);
  const flipped = Buffer.from(bytes);
  flipped[at] = (flipped[at] ?? 0) ^ 0xff;
  await writeFile(archive, flipped);
  const { stdout } = await shop.must(50, "verify", point?.id ?? "");
  expect(stdout).toContain("[FAIL] every object is as it was written");
  await writeFile(archive, bytes);
  await shop.must(0, "verify", point?.id ?? "");
});

test("verify --restore takes the point up the ladder on a scratch server", async () => {
  const to = shop.place("verified");
  const { stdout } = await shop.must(0, "verify", "--restore", "--to", to, "--keep");
  expect(await shop.query(stdout.trim(), "select count(*) from orders")).toBe("1000");
  await shop.stopServerOf(to);
  // From now on it counts as restore-tested, on this host.
  const { points } = JSON.parse((await shop.must(0, "points", "--json")).stdout);
  expect(points).toEqual([expect.objectContaining({ verifiedAt: expect.stringMatching(/Z$/) })]);
  expect((await shop.must(0, "points")).stdout).toMatch(/restored and checked .* ago, .* \(R\d{8}-\d{4}-\w{3}\)/);
  expect(JSON.parse((await shop.must(0, "status", "--json")).stdout)).toMatchObject({
    restoreTested: { point: points[0].id, method: "base-backup-only", seconds: expect.any(Number) },
    schedule: [],
  });
  expect((await shop.must(0, "status")).stdout).toContain(`(${points[0].id}, R`);
});

test("an empty place where a repository was before is not taken for a new one", async () => {
  const away = `${shop.repository}-away`;
  await rename(shop.repository, away);
  await mkdir(shop.repository, { mode: 0o700 });
  await giveToServer(shop.repository);
  const { stderr } = await shop.must(30, "backup", "--no-input");
  expect(stderr).toContain("holds no repository");
  expect(await readdir(shop.repository)).toEqual([]);
  await rename(shop.repository, `${shop.repository}-bare`);
  await rename(away, shop.repository);
  await shop.must(0, "backup", "--no-input");
});

test("runbooks can be listed, checked and printed to be followed by hand", async () => {
  const { stdout } = await shop.must(0, "runbook", "list");
  for (const id of ["backup", "restore-to-scratch", "rewind-in-place"]) {
    expect(stdout).toContain(id);
    await shop.must(0, "runbook", "check", id);
    expect((await shop.must(0, "runbook", "print", id)).stdout).toMatch(/^# /);
  }
});

test("init tries the server and the repository, and writes a configuration that works", async () => {
  const repository = shop.place("new-repository");
  const file = join(shop.place("configuration"), "pgrescue.yaml");
  const words = [
    "init",
    "--cluster",
    "shop",
    "--host",
    shop.server.socketDirectory,
    "--db-port",
    String(shop.server.port),
  ];
  const more = ["--user", "postgres", "--repository", repository, "--output", file, "--no-input"];
  const dry = await pgrescue([...words, ...more, "--dry-run"]);
  expect([dry.exit, dry.stderr]).toEqual([0, expect.stringContaining("[ OK ] the server answers: primary")]);
  const { exit, stdout } = await pgrescue([...words, ...more]);
  expect(exit).toBe(0);
  expect(stdout).toContain("ALTER SYSTEM SET archive_command = '");
  expect(parse(await readFile(file, "utf8"))).toMatchObject({
    clusters: { shop: { dataDirectory: shop.server.dataDirectory } },
  });
  expect(await readdir(repository)).toEqual(["pgrescue.json"]);
  expect((await pgrescue([...words, ...more])).exit).toBe(30);
  // The repository has no archive yet: the backup brings its own WAL.
  expect(
    (await pgrescue(["backup", "--config", file, "--wal", "include", "--state-dir", shop.place("new-state")])).exit,
  ).toBe(0);
  expect((await pgrescue(["points", "--config", file])).stdout).toContain("base");
});

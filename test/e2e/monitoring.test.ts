import { readFile, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pgrescue } from "../support/program.ts";
import { openShop, shopSecret, type Shop } from "../support/shop.ts";

let shop: Shop;
const root = resolve(import.meta.dirname, "..", "..");

beforeAll(async () => {
  shop = await openShop({ cluster: { objectives: { rpo: "5m", rto: "30m" } } });
  await shop.server.sql("create table t as select n from generate_series(1, 100) n");
  await shop.must(0, "backup", "--json");
  await shop.server.sql("insert into t values (1)");
  await shop.archived();
  await shop.must(0, "backup", "--kind", "dump", "--json");
  await shop.must(30, "backup", "--kind", "dump", "--database", "gone", "--json");
});

afterAll(async () => {
  await shop[Symbol.asyncDispose]();
});

/** Samples by name and labels; throws for a line that Prometheus would not read. */
function samplesIn(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const typed = new Set<string>();
  for (const line of text.trimEnd().split("\n")) {
    const type = /^# TYPE ([a-z_]+) gauge$/.exec(line)?.[1];
    if (type !== undefined) typed.add(type);
    if (line.startsWith("#")) continue;
    const m = /^([a-z_]+)(\{[a-z]+="(?:[^"\\\n]|\\.)*"(?:,[a-z]+="(?:[^"\\\n]|\\.)*")*\})? (-?[0-9.e+]+)$/.exec(line);
    if (m === null || !typed.has(m[1] ?? "")) throw new Error(`not a sample: ${line}`);
    expect(found.has(`${m[1]}${m[2] ?? ""}`), line).toBe(false);
    found.set(`${m[1]}${m[2] ?? ""}`, Number(m[3]));
  }
  return found;
}

const now = (): number => Date.now() / 1000;

test("metrics tell of backups, failures, reachable moments and WAL", async () => {
  const text = (await shop.must(0, "metrics")).stdout;
  const samples = samplesIn(text);
  const at = (name: string): number => samples.get(`pgrescue_${name}`) ?? Number.NaN;
  for (const kind of ["base", "dump"])
    expect(now() - at(`backup_last_success_timestamp_seconds{cluster="shop",repo="main",kind="${kind}"}`)).toBeLessThan(
      100,
    );
  expect(at('backup_last_exit_code{cluster="shop",repo="main",kind="base"}')).toBe(0);
  expect(at('backup_last_exit_code{cluster="shop",repo="main",kind="dump"}')).toBe(30);
  expect(now() - at('backup_last_failure_timestamp_seconds{cluster="shop",repo="main",kind="dump"}')).toBeLessThan(100);
  expect(text).not.toContain('backup_last_failure_timestamp_seconds{cluster="shop",repo="main",kind="base"}');
  expect(at('backup_count{cluster="shop",repo="main",kind="base",state="ok"}')).toBe(1);
  const [first, last] = ["first", "last"].map((end) =>
    at(`recovery_${end}_point_timestamp_seconds{cluster="shop",repo="main"}`),
  );
  expect(last).toBeGreaterThanOrEqual(first ?? Number.NaN);
  expect(now() - at('wal_archive_last_segment_timestamp_seconds{cluster="shop"}')).toBeLessThan(100);
  expect(at('wal_missing_segments{cluster="shop"}')).toBe(0);
  expect(at('slo_rpo_seconds{cluster="shop"}')).toBe(300);
  expect(at('run_lock_held{cluster="shop",repo="main"}')).toBe(0);
  expect(at('repo_up{cluster="shop",repo="main"}')).toBe(1);
});

test("a held backup counts as locked, and a file is replaced whole, readable by its collector", async () => {
  const [id] = (JSON.parse((await shop.must(0, "points", "--json")).stdout) as { points: { id: string }[] }).points.map(
    (p) => p.id,
  );
  await shop.must(0, "hold", id ?? "", "--reason", "test");
  const file = shop.place("pgrescue.prom");
  await shop.must(0, "metrics", "--output", file);
  expect(
    samplesIn(await readFile(file, "utf8")).get(
      'pgrescue_backup_count{cluster="shop",repo="main",kind="base",state="locked"}',
    ),
  ).toBe(1);
  expect((await stat(file)).mode & 0o777).toBe(0o644);
});

test("a repository that cannot be read is told, and nothing is made up for it", async () => {
  const config = parse(await readFile(shop.configFile, "utf8")) as { repositories: object; clusters: { shop: object } };
  const file = join(shop.directory, "other.yaml");
  await writeFile(
    file,
    stringify({
      ...config,
      repositories: { ...config.repositories, lost: { url: `file://${join(shop.directory, "nowhere")}` } },
      clusters: { shop: { ...config.clusters.shop, repositories: ["main", "lost"] } },
    }),
    { mode: 0o644 },
  );
  const { exit, stdout } = await pgrescue(["metrics", "--config", file]);
  expect(exit).toBe(3);
  const samples = samplesIn(stdout);
  expect(samples.get('pgrescue_repo_up{cluster="shop",repo="lost"}')).toBe(0);
  expect([...samples.keys()].filter((name) => name.includes('repo="lost"'))).toHaveLength(1);
});

test("what alerts and the dashboard ask for is what the metrics have", async () => {
  const documented = await readFile(join(root, "docs", "monitoring.md"), "utf8");
  const code = await readFile(join(root, "src", "domain", "metrics.ts"), "utf8");
  for (const file of ["alerts.yaml", "grafana.json"]) {
    const text = await readFile(join(root, "deploy", file), "utf8");
    expect(file.endsWith("yaml") ? parse(text) : JSON.parse(text)).toBeTruthy();
    const names = new Set([...text.matchAll(/\bpgrescue_([a-z_]+)/g)].map((m) => m[1] ?? ""));
    expect(names.size).toBeGreaterThan(5);
    for (const name of names) {
      expect(code, `${file}: ${name}`).toContain(`"${name}"`);
      expect(documented, `${file}: ${name}`).toContain(`pgrescue_${name}`);
    }
  }
});

test("doctor and check judge copies, sizes and locks", async () => {
  const ask = async (verb: "doctor" | "check"): Promise<ReadonlyMap<string, string>> => {
    const { stdout } = await shop.pgrescue(verb, "--json");
    const document = JSON.parse(stdout) as {
      verdicts?: { check: string; result: string; evidence: string }[];
      found?: { label: string; state: string; detail: string }[];
    };
    return new Map([
      ...(document.verdicts ?? []).map((v) => [v.check, `${v.result}: ${v.evidence}`] as const),
      ...(document.found ?? []).map((f) => [f.label, `${f.state}: ${f.detail}`] as const),
    ]);
  };
  const doctor = await ask("doctor");
  expect(doctor.get("copies")).toBe(
    "warn: the server, repository main; 1 medium: 2 copies instead of three, all on one medium",
  );
  expect(doctor.get("locks")).toBe("pass: no run works in them");
  expect(doctor.get("backup-size")).toBe("skip: too few backups to compare");
  const check = await ask("check");
  expect(check.get("copies")).toMatch(/^WARNING: /);
  expect(check.get("locks")).toMatch(/^OK: /);
});

test("history has every run with its end, newest first, by kind and by how it ended", async () => {
  const { stdout } = await shop.must(0, "history", "--json");
  const { runs } = JSON.parse(stdout) as {
    runs: { kind: string; backup: string | null; result: string; host: string; exitCode: number; openedAt: string }[];
  };
  expect(runs.map((r) => [r.kind, r.backup, r.result, r.exitCode])).toEqual([
    ["backup", "dump", "failed", 30],
    ["backup", "dump", "done", 0],
    ["backup", "base", expect.stringMatching(/^done/), expect.any(Number)],
  ]);
  expect(runs[0]?.host).toBe(hostname());
  const bad = (await shop.must(0, "history", "--status", "bad")).stdout;
  expect(bad).toContain('the server has no database "gone"');
  expect(bad.split("\n").filter((line) => / R\d{8}-/.test(line))).toHaveLength(1);
  expect((await shop.must(0, "history", "--kind", "recovery")).stdout).toBe("No runs in that time.");
  expect((await shop.must(2, "history", "--since", "monday")).stderr).toContain("neither a duration nor a time");
});

test("another host sees the runs in the repository", async () => {
  const elsewhere = join(shop.directory, "another-host");
  const { stdout } = await shop.must(0, "history", "--json", "--state-dir", elsewhere);
  const { runs } = JSON.parse(stdout) as { runs: { kind: string; host: string | null; message: string | null }[] };
  expect(runs).toHaveLength(3);
  expect(runs[0]).toMatchObject({ host: hostname(), message: expect.stringContaining("gone") });
});

test("nothing that was printed holds a secret", () => {
  for (const text of shop.printed) expect(text).not.toContain(shopSecret);
});

test("written WAL that is not archived has an age, which a quiet server's has not", async () => {
  const archiveAge = async (...words: readonly string[]): Promise<{ state: string; detail: string }> => {
    const { stdout } = await shop.pgrescue("check", "--json", ...words);
    const { found } = JSON.parse(stdout) as { found: { label: string; state: string; detail: string }[] };
    return found.find(({ label }) => label === "archive_age") ?? { state: "", detail: "" };
  };
  await shop.archived();
  expect(await archiveAge()).toMatchObject({ state: "OK", detail: "all WAL is archived" });
  await shop.server.sql("create table not_archived as select n from generate_series(1, 1000) n");
  expect((await archiveAge()).detail).toMatch(/^WAL of the last .* s is not archived$/);
  expect((await archiveAge("--archive-age", "0s,1h")).state).toBe("WARNING");
});

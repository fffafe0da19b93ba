import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, parseAllDocuments, stringify } from "yaml";
import { openShop, type Shop } from "../support/shop.ts";

let shop: Shop;

beforeAll(async () => {
  shop = await openShop({ tablespaces: ["fast"], cluster: { objectives: { rto: "30m" } } });
  await shop.server.sql("create table orders as select n from generate_series(1, 1000) n");
  await shop.server.sql("create table quick tablespace fast as select n from generate_series(1, 10) n");
  await shop.must(0, "backup");
  await shop.server.sql("insert into orders values (1001)");
  await shop.archived();
});

afterAll(async () => {
  await shop[Symbol.asyncDispose]();
});

interface Run {
  readonly run: string;
  readonly kind: string;
  readonly verdicts: readonly { readonly check: string; readonly result: string; readonly evidence: string }[];
}

interface Pod {
  readonly spec: {
    readonly containers: readonly { readonly args: readonly string[]; readonly volumeMounts: readonly object[] }[];
    readonly volumes: readonly { readonly name: string }[];
  };
}

async function configure(cluster: object): Promise<void> {
  const config = parse(await readFile(shop.configFile, "utf8")) as { clusters: { shop: object } };
  const clusters = { shop: { ...config.clusters.shop, ...cluster } };
  await writeFile(shop.configFile, stringify({ ...config, clusters }));
}

test("a drill recovers to the newest moment, says whether that keeps the objective, and leaves nothing behind", async () => {
  const { stdout } = await shop.must(0, "drill", "--json");
  const run = JSON.parse(stdout) as Run;
  expect(run.kind).toBe("drill");
  const rto = run.verdicts.find(({ check }) => check === "exercise.rto");
  expect(rto?.result).toBe("pass");
  expect(rto?.evidence).toMatch(/^[\d.]+ s \(restore [\d.]+ s, replay [\d.]+ s, checks [\d.]+ s\).*, of 30m00$/);
  expect(await readdir(shop.scratchDirectory)).toEqual([]);
  // It counts as a test of the backup.
  expect((await shop.must(0, "points")).stdout).toMatch(/restored and checked .* ago/);
});

test("one that takes longer ends with exit code 50 although the recovery works, and the history shows both", async () => {
  await configure({ objectives: { rto: "1s" } });
  const { stderr } = await shop.must(50, "drill", "--headless");
  expect(stderr).toContain("the recovery works, and takes longer than its objective");
  expect(await readdir(shop.scratchDirectory)).toEqual([]);
  const { stdout } = await shop.must(0, "drill", "history");
  expect(stdout).toMatch(/shop .* 1\.0 s MISSED +worked +R/);
  expect(stdout).toMatch(/shop .* 30m00 kept +worked +R/);
  for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  const { drills } = JSON.parse((await shop.must(0, "drill", "history", "--json")).stdout) as {
    drills: { kind: string; seconds: number; rtoSeconds: number }[];
  };
  expect(drills.map(({ rtoSeconds }) => rtoSeconds)).toEqual([1, 1800]);
  await configure({ objectives: { rto: "30m" } });
});

test("with --keep the copy stays, with a connection; a test of a backup is removed again, too", async () => {
  const to = shop.place("kept");
  const { stdout } = await shop.must(0, "drill", "--to", to, "--keep", "--headless");
  expect(await shop.query(stdout.trim(), "select count(*) from orders")).toBe("1001");
  await shop.stopServerOf(to);
  const verified = shop.place("verified");
  expect((await shop.must(0, "verify", "--restore", "--to", verified, "--headless")).stdout.trim()).toBe("");
  await expect(stat(verified)).rejects.toThrow("ENOENT");
  await expect(stat(`${verified}.tablespaces`)).rejects.toThrow("ENOENT");
});

test("what does not bear the run's mark any more is not removed", async () => {
  const to = shop.place("taken");
  await configure({ checks: [{ name: "slow", sql: "select pg_sleep(5) is not null" }] });
  const watched = shop.watch("drill", "--to", to);
  let run = "";
  await watched.until((event) => {
    ({ run } = event);
    return event.event === "step-started" && event.step === "sql";
  });
  await writeFile(`${to}/.pgrescue-run`, "somebody else\n");
  expect(await watched.ended).toBe(30);
  expect(await readdir(to)).toContain("PG_VERSION");
  // Given back, the run goes on where it was.
  await writeFile(`${to}/.pgrescue-run`, `${run}\n`);
  await shop.must(0, "continue", run, "--headless");
  await expect(stat(to)).rejects.toThrow("ENOENT");
  await configure({ checks: [] });
});

test("a schedule runs drills, and --dry-run shows the steps", async () => {
  expect((await shop.must(0, "drill", "--dry-run")).stdout).toContain("Remove the copy again");
  expect((await shop.must(2, "drill", "nonsense")).stderr).toContain("cannot be rehearsed");
  const config = parse(await readFile(shop.configFile, "utf8")) as object;
  const schedule = [{ cluster: "shop", drill: "restore-to-scratch", at: "0 3 1 * *" }];
  await writeFile(shop.configFile, stringify({ ...config, schedule }));
  const { stdout } = await shop.must(0, "generate", "cron");
  expect(stdout).toContain("drill restore-to-scratch --cluster shop");
  // A pod has a disk to restore to.
  const [job] = parseAllDocuments((await shop.must(0, "generate", "k8s")).stdout)
    .map((document) => document.toJS() as { kind: string; spec: { jobTemplate: { spec: { template: Pod } } } })
    .filter(({ kind }) => kind === "CronJob");
  const pod = job?.spec.jobTemplate.spec.template.spec;
  expect(pod?.containers[0]?.args.join(" ")).toContain("--to /scratch/restored");
  expect(pod?.containers[0]?.volumeMounts).toContainEqual({ name: "scratch", mountPath: "/scratch" });
  expect(pod?.volumes.map(({ name }) => name)).toContain("scratch");
});

import { execFile, spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { cronTimes } from "../../src/adapters/system/cron-times.ts";
import { parseInstant, formatInstant, type Instant } from "../../src/domain/instant.ts";
import { onCalendar } from "../../src/domain/schedule/on-calendar.ts";
import { pgrescue, type ProgramResult } from "../support/program.ts";
import { startServer, temporaryDirectory } from "../support/server.ts";

const run = promisify(execFile);
const systemdAnalyze = spawnSync("systemd-analyze", ["--version"]).status === 0;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let config: string;

beforeAll(async () => {
  directory = await temporaryDirectory();
  config = join(directory.path, "pg rescue's 100%.yaml");
  await writeFile(
    config,
    `
clusters: { shop: { repositories: [main, offsite], dataDirectory: ${directory.path}/data } }
repositories:
  main: { url: "file:///srv/backup" }
  offsite: { url: "azure://acme/postgres/shop" }
schedule:
  - { cluster: shop, backup: base, at: "30 1 * * *", timeZone: Europe/Berlin, jitter: 10m }
  - { cluster: shop, backup: dump, databases: ["it's", "50%"], at: "*/15 8-18 * * 1-5", missed: skip }
  - { cluster: shop, copy: offsite, at: "0 3 1,15 * 0" }
  - { cluster: shop, expire: true, at: "0 5 * * *" }
  - { cluster: shop, check: true, at: "*/10 * * * *" }
`,
  );
});

afterAll(async () => {
  await directory[Symbol.asyncDispose]();
});

async function generate(exit: number, ...words: readonly string[]): Promise<ProgramResult> {
  const result = await pgrescue(["generate", ...words, "--config", config]);
  expect(result.exit, result.stderr).toBe(exit);
  return result;
}

describe("generate cron", () => {
  test("each line is a command that a shell reads as it was meant, with the minute as its slot", async () => {
    const { stdout, stderr } = await generate(0, "cron");
    const lines = stdout.split("\n").filter((line) => /^[\d*]/.test(line));
    expect(lines).toHaveLength(5);
    expect(stderr).toContain("cron works in this host's time zone");
    const [base = "", dump = ""] = lines;
    expect(base).toMatch(/^30 1 \* \* \* {2}postgres {2}/);
    // What cron hands to the shell: percent signs are escaped for it, and nothing else is.
    const command = dump.replace(/^(?:\S+ +){6}/, "").replaceAll(String.raw`\%`, "%");
    expect(dump.replaceAll(String.raw`\%`, "")).not.toContain("%");
    const { stdout: words } = await run("sh", ["-c", `printf '%s\\n' ${command}`]);
    const argv = words.trimEnd().split("\n");
    expect(argv.slice(2)).toEqual([
      ..."backup --kind dump --database it's --database 50% --cluster shop --lock-wait 1h --config".split(" "),
      config,
      "--no-input",
      "--quiet",
      "--slot",
      expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\dZ$/),
    ]);
  });
});

describe("generate systemd", () => {
  test.skipIf(!systemdAnalyze)("writes units that systemd takes, and replaces none", async () => {
    const units = join(directory.path, "units");
    await mkdir(units);
    const { stderr } = await generate(0, "systemd", "--output", units);
    expect(stderr).toContain("systemctl enable --now pgrescue-shop-base.timer");
    const names = (await readdir(units)).sort();
    expect(names).toHaveLength(10);
    const verified = spawnSync("systemd-analyze", ["verify", "--man=no", ...names.map((name) => join(units, name))], {
      encoding: "utf8",
      env: { ...process.env, SYSTEMD_UNIT_PATH: `${units}:` },
    });
    expect(verified.stderr.split("\n").filter((line) => line.includes("pgrescue-"))).toEqual([]);
    const base = await readFile(join(units, "pgrescue-shop-base.timer"), "utf8");
    expect(base).toContain("OnCalendar=*-*-* 01:30:00 Europe/Berlin\nRandomizedDelaySec=600\nPersistent=true");
    const dump = await readFile(join(units, "pgrescue-shop-dump.service"), "utf8");
    expect(dump).toContain(`--database "it's" --database 50%%`);
    // However often it is started, by a timer or by hand: one backup a slot.
    expect(dump).toContain("--cluster shop --slot latest --lock-wait 1h");
    expect(await readFile(join(units, "pgrescue-shop-expire.service"), "utf8")).not.toContain("--slot");
    // What could not be asked (3) is not fine.
    expect(await readFile(join(units, "pgrescue-shop-check.service"), "utf8")).not.toContain("SuccessExitStatus");
    expect(dump).toContain(`"${config.replaceAll("%", "%%")}"`);
    const again = await generate(30, "systemd", "--output", units);
    expect(again.stderr).toContain("cannot be made");
  });

  test.skipIf(!systemdAnalyze).each([
    ["30 1 * * *", "Europe/Berlin"],
    ["*/15 8-18 * * 1-5", "Etc/UTC"],
    ["0 3 1,15 * *", "Etc/UTC"],
    ["5 4 * * 0", "America/New_York"],
    ["0 12 * jan,jul mon", "Etc/UTC"],
    ["0 0 * * 5-7", "Etc/UTC"],
    ["10-30/10 2 * * *", "Etc/UTC"],
  ])("%s in %s means the same moments to systemd as to cron", async (expression, zone) => {
    const [calendar = ""] = onCalendar(expression, zone);
    const { stdout } = await run(
      "systemd-analyze",
      ["calendar", "--iterations=4", "--base-time=2026-06-03 10:07:00 UTC", calendar],
      {
        env: { ...process.env, TZ: "UTC", LC_ALL: "C" },
      },
    );
    const inUtc = [...stdout.matchAll(/(?:Next elapse|Iter(?:ation|\.) #\d+): \w+ (\S+ \S+) UTC/g)].map((m) => m[1]);
    const times = cronTimes(expression, zone);
    const ours: string[] = [];
    for (let at: Instant | null = parseInstant("2026-06-03T10:07:00Z"); at !== null && ours.length < inUtc.length;) {
      at = times.next(at);
      if (at !== null) ours.push(formatInstant(at).slice(0, 19).replace("T", " "));
    }
    expect(inUtc).toHaveLength(4);
    expect(ours).toEqual(inUtc);
  });

  test("a day of the month or one of the week are two lines; what systemd cannot say is refused", () => {
    expect(onCalendar("0 3 1 * 0", "Etc/UTC")).toEqual(["*-*-01 03:00:00 Etc/UTC", "Sun *-*-* 03:00:00 Etc/UTC"]);
    for (const expression of ["0 0 L * *", "* * * * * *", "0 0 * * 1#2", "@daily"])
      expect(() => onCalendar(expression, "Etc/UTC")).toThrow(/cannot be a systemd timer/);
  });
});

describe("generate k8s", () => {
  test("prints a ServiceAccount, the configuration, a CronJob for each entry and a restore that waits", async () => {
    const { stdout, stderr } = await generate(
      0,
      "k8s",
      "--image",
      "registry.example.com/pgrescue@sha256:0",
      "--client-id",
      "11-22",
    );
    expect(stderr).toContain("a file:// repository in a pod is gone with it");
    const documents = parseAllDocuments(stdout).map((document) => {
      expect(document.errors).toEqual([]);
      return document.toJS() as Record<string, never>;
    });
    expect(documents.map((d) => d["kind"])).toEqual(
      "ServiceAccount ConfigMap CronJob CronJob CronJob CronJob CronJob Job".split(" "),
    );
    const [account, map, base] = documents as unknown as [
      { metadata: { annotations: object } },
      { data: { "pgrescue.yaml": string } },
      {
        metadata: { name: string };
        spec: {
          schedule: string;
          timeZone: string;
          concurrencyPolicy: string;
          jobTemplate: {
            spec: {
              podFailurePolicy: { rules: { onExitCodes?: { values: number[] } }[] };
              template: {
                metadata: { labels: object };
                spec: {
                  restartPolicy: string;
                  securityContext: object;
                  containers: { name: string; args: string[]; securityContext: object; env: { name: string }[] }[];
                };
              };
            };
          };
        };
      },
    ];
    expect(account.metadata.annotations).toEqual({ "azure.workload.identity/client-id": "11-22" });
    expect(map.data["pgrescue.yaml"]).toBe(await readFile(config, "utf8"));
    expect(base.metadata.name).toBe("pgrescue-shop-base");
    expect(base.spec).toMatchObject({ schedule: "30 1 * * *", timeZone: "Europe/Berlin", concurrencyPolicy: "Forbid" });
    const { podFailurePolicy, template } = base.spec.jobTemplate.spec;
    expect(podFailurePolicy.rules[0]?.onExitCodes?.values).toEqual([2, 10, 12, 20, 30, 50]);
    // Required by the failure policy.
    expect(template.spec.restartPolicy).toBe("Never");
    expect(template.metadata.labels).toMatchObject({ "azure.workload.identity/use": "true" });
    expect(template.spec.securityContext).toMatchObject({ runAsNonRoot: true });
    const [container] = template.spec.containers;
    expect(container?.securityContext).toEqual({
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
    });
    expect(container?.env.map(({ name }) => name)).toContain("PGRESCUE_JOB_NAME");
    expect(container?.args.slice(0, 3)).toEqual(["backup", "--cluster", "shop"]);
    // Whatever is printed as a command line is one.
    for (const document of documents) {
      const spec = document["spec"] as unknown as { template?: never; jobTemplate?: { spec: never } } | undefined;
      const pod = (spec?.jobTemplate?.spec ?? spec) as
        | { template?: { spec: { containers: { args: string[] }[] } } }
        | undefined;
      const words = pod?.template?.spec.containers[0]?.args;
      if (words === undefined) continue;
      const result = await pgrescue([
        ...words.filter((w) => w !== "/etc/pgrescue/pgrescue.yaml" && w !== "--config"),
        "--help",
      ]);
      expect(result.exit, `${words.join(" ")}\n${result.stderr}`).toBe(0);
    }
  });
});

test("the generated grants make a role that may take base backups and dumps, and is no superuser", async () => {
  await using server = await startServer({ settings: { max_wal_senders: "4" } });
  const { stdout: sql } = await generate(0, "grants", "--user", 'back"up', "--major", "15");
  const { exit, stderr } = await server.run(
    [
      "psql",
      "-X",
      "-v",
      "ON_ERROR_STOP=1",
      "-h",
      server.socketDirectory,
      "-p",
      String(server.port),
      "-U",
      "postgres",
      "-f",
      "-",
    ],
    { input: sql },
  );
  expect(exit, stderr).toBe(0);
  await server.sql("create table t as select 1 as n");
  const file = join(directory.path, "grants.yaml");
  const place = join(directory.path, "state");
  await mkdir(place);
  await writeFile(
    file,
    `
stateDirectory: ${place}
clusters:
  shop:
    connection: { host: ${server.socketDirectory}, port: ${server.port}, user: 'back"up', database: postgres }
    repositories: [main]
repositories: { main: { url: "file://${directory.path}/repository" } }
`,
  );
  const doctor = JSON.parse((await pgrescue(["doctor", "--json", "--config", file])).stdout) as {
    verdicts: { check: string; result: string; evidence: string }[];
  };
  expect(doctor.verdicts.find(({ check }) => check === "rights")).toMatchObject({
    result: "pass",
    evidence: expect.stringContaining("has every right that backups need"),
  });
});

test("what only our own scheduler understands is refused, and no name is given twice", async () => {
  const file = join(directory.path, "other.yaml");
  const generated = async (topic: string, ...entries: readonly string[]): Promise<ProgramResult> => {
    const text = entries.map((entry) => `  - { cluster: shop, ${entry} }\n`).join("");
    const set = `clusters: { shop: { repositories: [main] } }\nrepositories: { main: { url: "file:///srv/x" } }\n`;
    await writeFile(file, `${set}schedule:\n${text}`);
    return await pgrescue(["generate", topic, "--config", file]);
  };
  for (const topic of ["cron", "systemd", "k8s"]) {
    for (const at of ["*/5 * * * * *", "0 0 L * *", "at night"])
      expect((await generated(topic, `backup: base, at: "${at}"`)).exit, `${topic}: ${at}`).toBe(2);
    const broken = await generated(
      topic,
      String.raw`backup: dump, databases: ["a\n* * * * * root b"], at: "0 1 * * *"`,
    );
    expect([broken.exit, broken.stdout]).toEqual([2, ""]);
  }
  const at = `at: "0 1 * * *"`;
  const long = "x".repeat(60);
  const { stdout } = await generated(
    "k8s",
    ...["a.b", "a_b", "A-B", `${long}1`, `${long}2`].map((name) => `backup: base, name: ${name}, ${at}`),
  );
  const names = parseAllDocuments(stdout)
    .map((document) => document.toJS() as { kind: string; metadata: { name: string } })
    .filter(({ kind }) => kind === "CronJob")
    .map(({ metadata }) => metadata.name);
  expect(new Set(names).size).toBe(5);
  for (const name of names) expect(name).toMatch(/^[a-z0-9][a-z0-9-]{0,50}[a-z0-9]$/);
});

test("without a schedule nothing is generated", async () => {
  const file = join(directory.path, "empty.yaml");
  await writeFile(
    file,
    `clusters: { shop: { repositories: [main] } }\nrepositories: { main: { url: "file:///srv/x" } }\n`,
  );
  for (const topic of ["cron", "systemd", "k8s"]) {
    const { exit, stderr } = await pgrescue(["generate", topic, "--config", file]);
    expect([exit, stderr.split("\n")[0]]).toEqual([2, expect.stringContaining("no schedule in")]);
  }
});

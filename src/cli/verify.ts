import { join, resolve } from "node:path";
import { compose, type Composition } from "../compose.ts";
import { messageOf, PgrescueError } from "../domain/errors.ts";
import { formatInstant } from "../domain/instant.ts";
import { formatBytes } from "../domain/quantity.ts";
import type { RecoveryPoint } from "../domain/recovery-point.ts";
import { isRefusal } from "../domain/refusal.ts";
import { openPoint } from "../engine/open-point.ts";
import { surveyRepositories } from "../engine/planning/survey.ts";
import { runAsOwner } from "./as-owner.ts";
import type { Arguments, Command, Terminal } from "./command.ts";
import { openRepositories } from "./open-repositories.ts";
import { planningWorld, planWith } from "./planning.ts";
import { refusalError } from "./recover.ts";
import { exerciseOptions, runDumpTest, runExercise } from "./run/exercise.ts";
import { showOptions } from "./run/show-run.ts";
import { openSettings, type Settings } from "./settings.ts";

export const command: Command = {
  summary: "is a recovery point what was written: its bytes, or restored and checked",
  usage: "verify [POINT | dump] [--restore [--to DIR] [--keep]]",
  description:
    "Reads every object of the point and compares it with what the backup wrote down; tells whether its WAL is\nthere. With --restore it is restored into scratch, started, taken up the ladder of checks, and removed again. Exit codes: 0\nsound, 50 damaged, 20 there is no such point.",
  options: {
    restore: { type: "boolean", summary: "restore it into scratch and check the running server" },
    to: { type: "string", value: "DIR", summary: "where to restore to (default the configured scratch directory)" },
    port: { type: "string", value: "PORT", summary: "port of the restored server" },
    database: { type: "string", value: "NAME", summary: "of a dump: only this database (default all)", multiple: true },
    ...exerciseOptions,
    ...showOptions,
  },
  examples: [
    "pgrescue verify                            # the newest point's bytes",
    "pgrescue verify 20261120T010411Z-base --restore --to /srv/scratch/check",
    "pgrescue verify dump --restore             # the newest dump, into a server made for it, rows compared",
  ],
  positionals: { min: 0, max: 1 },
  run: async (args, terminal) => {
    const settings = await openSettings(args, terminal);
    const code = await runAsOwner("verify", args, settings, terminal);
    if (code !== null) return code;
    const world = compose(settings, terminal.env);
    const point = await choosePoint(args.positionals[0], settings, world, args.flag("restore"));
    return args.flag("restore")
      ? await restorePoint(point, args, terminal, settings, world)
      : await readPoint(point, args, terminal, world);
  },
};

async function choosePoint(
  asked: string | undefined,
  settings: Settings,
  world: Composition,
  isRestored: boolean,
): Promise<RecoveryPoint> {
  const repositories = await openRepositories(settings, world);
  const { points } = await surveyRepositories(
    planningWorld(repositories, world, null, { live: false }),
    settings.clusterName,
  );
  // Without a name the newest backup that a whole server comes back from: a dump every hour must not hide it.
  const candidates =
    asked === undefined
      ? points.filter((p) => p.status !== "incomplete" && !(isRestored && p.kind === "dump"))
      : points.filter((p) => p.id === asked || (asked === "dump" && p.kind === "dump" && p.status === "ok"));
  const point = candidates.toSorted((a, b) => (a.finishedAt < b.finishedAt ? -1 : 1)).at(-1);
  if (point === undefined)
    throw new PgrescueError(
      "no-recovery-point",
      asked === undefined ? "there is no finished backup" : `there is no point ${asked}`,
    );
  return point;
}

async function readPoint(
  point: RecoveryPoint,
  args: Arguments,
  terminal: Terminal,
  world: Composition,
): Promise<number> {
  const started = world.clock.monotonic();
  const findings: { readonly result: "pass" | "fail"; readonly title: string; readonly evidence: string }[] = [];
  const reader = await openPoint(await world.repository(point.repository), point);
  try {
    let shown = 0;
    for await (const { done, total } of reader.verify(new AbortController().signal)) {
      const share = total === null || total === 0 ? 0 : Math.floor((done / total) * 20);
      if (share > shown && !args.flag("quiet"))
        terminal.log(`read ${formatBytes(done)} of ${formatBytes(total ?? done)}`);
      shown = Math.max(shown, share);
    }
    findings.push({
      result: "pass",
      title: "every object is as it was written",
      evidence: `${formatBytes(point.storedBytes)} read`,
    });
  } catch (error) {
    if (!(error instanceof PgrescueError) || error.code !== "damaged-data") throw error;
    findings.push({ result: "fail", title: "every object is as it was written", evidence: messageOf(error) });
  }
  if (point.kind !== "dump")
    findings.push(
      point.status === "ok"
        ? {
            result: "pass",
            title: "its WAL is stored",
            evidence: point.walIncluded ? "inside the backup" : "in the archive",
          }
        : { result: "fail", title: "its WAL is stored", evidence: point.reason ?? point.status },
    );
  const isSound = findings.every((f) => f.result === "pass");
  if (args.flag("json")) {
    terminal.print(
      JSON.stringify({
        schema: "pgrescue.verify/v1",
        point: point.id,
        repository: point.repository,
        result: isSound ? "pass" : "fail",
        findings,
        seconds: (world.clock.monotonic() - started) / 1000,
      }),
    );
  } else {
    terminal.print(`${point.id} in ${point.repository}`);
    for (const { result, title, evidence } of findings)
      terminal.print(`[${result === "pass" ? " OK " : "FAIL"}] ${title}: ${evidence}`);
    terminal.print(
      isSound
        ? "Not checked: whether it starts and what is in it; that is `pgrescue verify --restore`."
        : "Do not count on this point; `pgrescue points` lists the others.",
    );
  }
  return isSound ? 0 : 50;
}

/** Restores a point into scratch and checks it, as `verify POINT --restore` does. Gives the exit code. */
export async function testRestore(
  point: string,
  args: Arguments,
  terminal: Terminal,
  settings: Settings,
): Promise<number> {
  const world = compose(settings, terminal.env);
  return restorePoint(await choosePoint(point, settings, world, true), args, terminal, settings, world);
}

async function restorePoint(
  point: RecoveryPoint,
  args: Arguments,
  terminal: Terminal,
  settings: Settings,
  world: Composition,
): Promise<number> {
  if (point.kind === "dump") return testDump(point, args, terminal, settings, world);
  const port = args.string("port");
  const plan = await planWith(
    {
      target: { target: { kind: "immediate" }, inclusive: true, timeline: null },
      method: "base-backup-only",
      action: "promote",
      point: point.id,
      to: args.string("to") ?? null,
      port: port === undefined ? null : Number(port),
      tablespaces: {},
    },
    settings,
    world,
  );
  if (isRefusal(plan)) throw refusalError(plan);
  return (await runExercise("verify", plan, settings, args, terminal)).exit;
}

async function testDump(
  point: RecoveryPoint,
  args: Arguments,
  terminal: Terminal,
  settings: Settings,
  world: Composition,
): Promise<number> {
  const stamp = formatInstant(world.clock.now()).slice(0, 19).replaceAll(/[-:]/g, "");
  const scratch = settings.cluster?.scratch.directory;
  const to = args.string("to") ?? (scratch === undefined ? null : join(scratch, `${point.cluster}-${stamp}`));
  if (to === null)
    throw new PgrescueError("usage", "it is not said where to restore to", {
      next: "Name an empty directory with --to, or set scratch.directory in the configuration.",
    });
  const databases = args.strings("database");
  const chosen = databases.length === 0 ? null : databases;
  return runDumpTest(point, resolve(terminal.cwd, to), chosen, settings, args, terminal);
}

import { systemClock } from "../adapters/system/clock.ts";
import { compose } from "../compose.ts";
import { errorKinds, PgrescueError } from "../domain/errors.ts";
import { formatInstant, instant, shortInstant } from "../domain/instant.ts";
import { formatDuration, parseDuration } from "../domain/quantity.ts";
import { isRefusal } from "../domain/refusal.ts";
import { isGood, type RunRecord } from "../domain/run/record.ts";
import { visible } from "../faces/untrusted.ts";
import { runAsOwner } from "./as-owner.ts";
import type { Arguments, Command, Terminal } from "./command.ts";
import { readHistory } from "./history.ts";
import { planningOptions, planWith, readWish } from "./planning.ts";
import { refusalError } from "./recover.ts";
import { exerciseOptions, runExercise } from "./run/exercise.ts";
import { openRunRecord } from "./run/find-run.ts";
import { showOptions } from "./run/show-run.ts";
import { runsPlace } from "./runs-place.ts";
import { openSettings, type Settings } from "./settings.ts";
import { readTarget, targetOptions } from "./target-options.ts";

const scenarios = ["restore-to-scratch"] as const;

export const command: Command = {
  summary: "rehearse a recovery: measured, compared with the objective, recorded",
  usage: "drill [restore-to-scratch | history] [TARGET] [--to DIR] [--keep]",
  description:
    "The real recovery, into a scratch directory: plan, restore, WAL up to the target (the latest moment unless\nanother is said), promotion, all checks. How long it took is compared with `objectives.rto` of the cluster; the copy\nis removed again. `drill history` lists drills of all hosts. Exit codes: 0, 50 where the recovery worked and took\nlonger than the objective, otherwise as `recover`.",
  options: {
    ...targetOptions,
    point: planningOptions.point,
    to: planningOptions.to,
    port: planningOptions.port,
    tablespace: planningOptions.tablespace,
    since: { type: "string", value: "TIME", summary: "history: a duration like 90d (default 400d)" },
    ...exerciseOptions,
    ...showOptions,
  },
  examples: [
    "pgrescue drill                             # the newest moment, as in an incident",
    "pgrescue drill --target-time '3 hours ago' --to /srv/scratch/drill --keep",
    "pgrescue drill history                     # how long each took, and whether that kept the objective",
  ],
  positionals: { min: 0, max: 1 },
  run: async (args, terminal) => {
    const [what = "restore-to-scratch"] = args.positionals;
    const settings = await openSettings(args, terminal);
    if (what === "history") return await history(settings, args, terminal);
    if (!(scenarios as readonly string[]).includes(what))
      throw new PgrescueError("usage", `${what} cannot be rehearsed`, {
        next: `Rehearse one of: ${scenarios.join(", ")}; or see \`pgrescue drill history\`.`,
      });
    const code = await runAsOwner("drill", args, settings, terminal);
    if (code !== null) return code;
    return await drill(settings, args, terminal);
  },
};

async function drill(settings: Settings, args: Arguments, terminal: Terminal): Promise<number> {
  const latest = { target: { kind: "latest" }, inclusive: true, timeline: null } as const;
  const target = readTarget(args, systemClock.now()) ?? latest;
  const wish = readWish(args, target, args.string("target-action") === "pause" ? "pause" : "promote", terminal.cwd);
  const plan = await planWith(wish, settings, compose(settings, terminal.env));
  if (isRefusal(plan)) throw refusalError(plan);
  const { exit, run, kept } = await runExercise("drill", plan, settings, args, terminal);
  if (exit !== 0 || kept !== false) return exit;
  terminal.log(`the recovery works, and takes longer than its objective; see \`pgrescue report ${run}\``);
  return errorKinds["verification-failed"].exit;
}

/** A drill as the list shows it. What only its host knows is null elsewhere. */
interface Drilled {
  readonly record: RunRecord;
  readonly seconds: number | null;
  readonly rtoSeconds: number | null;
}

async function history(settings: Settings, args: Arguments, terminal: Terminal): Promise<number> {
  const text = args.string("since") ?? "400d";
  const back = parseDuration(text);
  if (back === null)
    throw new PgrescueError("usage", `--since ${text} is not a duration`, { next: "Write it like 90d." });
  const since = instant(systemClock.now() - BigInt(Math.round(back * 1e6)));
  const { records, warnings } = await readHistory(settings, terminal, since);
  const place = await runsPlace(settings);
  const drills: Drilled[] = [];
  for (const record of records.filter(({ kind }) => kind === "drill"))
    drills.push({ record, ...(await measuredIn(place, record.run)) });
  if (args.flag("json")) {
    const listed = drills.map(({ record, ...measured }) => ({
      ...record,
      openedAt: formatInstant(record.openedAt),
      endedAt: record.endedAt === null ? null : formatInstant(record.endedAt),
      ...measured,
    }));
    terminal.print(JSON.stringify({ schema: "pgrescue.drills/v1", drills: listed, warnings }));
  } else {
    for (const line of drillLines(drills)) terminal.print(line);
    for (const warning of warnings) terminal.log(`[WARN] ${warning}`);
  }
  return warnings.length > 0 ? 3 : 0;
}

async function measuredIn(place: string, run: string): Promise<Omit<Drilled, "record">> {
  const found = await openRunRecord(place, run).catch(() => null);
  const measured = found?.state.recorded["measured"];
  const { seconds, rtoSeconds } = (
    typeof measured === "object" && measured !== null ? measured : {}
  ) as Partial<Drilled>;
  return { seconds: seconds ?? null, rtoSeconds: rtoSeconds ?? null };
}

/** A table within 80 columns. */
function drillLines(drills: readonly Drilled[]): readonly string[] {
  if (drills.length === 0) return ["No drill in that time. Begin with `pgrescue drill`."];
  const width = Math.max(7, ...drills.map(({ record }) => record.cluster.length));
  const time = (seconds: number | null): string => (seconds === null ? "-" : formatDuration(seconds));
  return [
    `OPENED (UTC)     ${"CLUSTER".padEnd(width)}  TOOK    OBJECTIVE      RESULT   RUN`,
    ...drills.map(({ record, seconds, rtoSeconds }) => {
      const kept = seconds === null || rtoSeconds === null ? "" : seconds <= rtoSeconds ? " kept" : " MISSED";
      return `${shortInstant(record.openedAt).padEnd(15)}  ${visible(record.cluster).padEnd(width)}  ${time(seconds).padEnd(6)}  ${`${time(rtoSeconds)}${kept}`.padEnd(13)}  ${(isGood(record) ? "worked" : record.result).padEnd(7)}  ${record.run}`;
    }),
  ];
}

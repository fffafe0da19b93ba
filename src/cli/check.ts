import { compose } from "../compose.ts";
import { PgrescueError } from "../domain/errors.ts";
import {
  ageInWords,
  exitOfState,
  gravestState,
  monitorLines,
  stateOf,
  stateOfFinding,
  type Measure,
  type Monitored,
} from "../domain/monitoring.ts";
import { formatDuration, parseDuration } from "../domain/quantity.ts";
import type { Rehearsal } from "../domain/rehearsal.ts";
import { askChecks, type CheckContext } from "../engine/check.ts";
import { loadChecks, type CheckName } from "../engine/checks/registry.ts";
import { missingSegments, readySegments, unarchivedSeconds } from "../engine/wal-measures.ts";
import { runAsOwner } from "./as-owner.ts";
import { openCheckContext } from "./check-context.ts";
import type { Arguments, Command, Terminal } from "./command.ts";
import { rehearsalsHere } from "./measured.ts";
import { runsPlace } from "./runs-place.ts";
import { openSettings, requireCluster } from "./settings.ts";

/** What is asked besides what is measured. */
const asked: readonly CheckName[] = [
  "repositories",
  "archiver",
  "windows",
  "backup-size",
  "copies",
  "locks",
  "key",
  "slots",
  "space",
];

export const command: Command = {
  summary: "for monitoring: one line with performance data, exit 0, 1, 2 or 3",
  usage: "check",
  description:
    "A plugin for Nagios, Icinga and their like: 0 fine, 1 warning, 2 critical, 3 something could not be asked. Limits\ncome from the schedule (one period and two hours; critical at twice that) unless they are given. Changes nothing.",
  options: {
    "backup-age": { type: "string", value: "WARN[,CRIT]", summary: "age of the newest usable base backup" },
    "archive-age": {
      type: "string",
      value: "WARN[,CRIT]",
      summary: "how long written WAL has not been archived (objectives.rpo and three times that; 1h,3h)",
    },
    "ready-segments": { type: "string", value: "WARN[,CRIT]", summary: "WAL waiting for the archive (64,512)" },
    "restore-test-age": {
      type: "string",
      value: "WARN[,CRIT]",
      summary: "age of the last restore that was checked on this host (35d,60d)",
    },
  },
  examples: ["pgrescue check", "pgrescue check --backup-age 26h,50h --ready-segments 16,128"],
  run: async (args, terminal) => {
    try {
      return await check(args, terminal);
    } catch (error) {
      // To monitoring an exit code beyond 3 says nothing, and 2 that something is critical.
      if (!(error instanceof PgrescueError) || error.code === "bug") throw error;
      if (args.flag("json"))
        terminal.print(JSON.stringify({ schema: "pgrescue.check/v1", state: "UNKNOWN", message: error.message }));
      else terminal.print(`PGRESCUE UNKNOWN - ${error.message.replaceAll("|", "/")}`);
      terminal.log(error.next);
      return exitOfState("UNKNOWN");
    }
  },
};

async function check(args: Arguments, terminal: Terminal): Promise<number> {
  const settings = requireCluster(await openSettings(args, terminal));
  const limits = {
    backup: limitsOf(args, "backup-age", duration),
    archive: limitsOf(args, "archive-age", duration),
    ready: limitsOf(args, "ready-segments", Number),
    test: limitsOf(args, "restore-test-age", duration),
  };
  const code = await runAsOwner("check", args, settings, terminal);
  if (code !== null) return code;
  await using context = await openCheckContext(settings, compose(settings, terminal.env));
  const rehearsals = await rehearsalsHere(await runsPlace(settings));
  const tests = rehearsals?.filter((r) => r.cluster === settings.clusterName) ?? null;
  const testLimits = limits.test ?? ([35 * 86_400, 60 * 86_400] as const);
  const measures = [
    backupAge(context, limits.backup ?? defaultBackup(context.backupPeriod)),
    await archiveAge(context, limits.archive ?? defaultArchive(context.objectives.rpo)),
    await waitingWal(context, limits.ready ?? [64, 512]),
    missingWal(context),
    restoreTestAge(context, tests, "base", testLimits),
    ...(hasDumps(context) ? [restoreTestAge(context, tests, "dump", testLimits)] : []),
  ];
  const found: Monitored[] = measures.map((m) => ({ label: m.label, state: stateOf(m), detail: m.detail }));
  for await (const verdict of askChecks(await loadChecks(asked), context))
    found.push({
      label: verdict.check,
      state: stateOfFinding(verdict.result),
      detail: `${verdict.title.toLowerCase()}: ${verdict.evidence}`,
    });
  const state = gravestState(found.map((f) => f.state));
  if (args.flag("json"))
    terminal.print(
      JSON.stringify({ schema: "pgrescue.check/v1", cluster: settings.clusterName, state, found, measures }),
    );
  else for (const line of monitorLines(settings.clusterName, found, measures)) terminal.print(line);
  return exitOfState(state);
}

type Limits = readonly [warning: number, critical: number | null];

function defaultBackup(period: number | null): Limits {
  const warning = period ?? 26 * 3600;
  return [warning, 2 * warning];
}

function defaultArchive(rpo: number | null): Limits {
  const warning = rpo ?? 3600;
  return [warning, 3 * warning];
}

function duration(text: string): number {
  return parseDuration(text) ?? Number.NaN;
}

function limitsOf(args: Arguments, name: string, read: (text: string) => number): Limits | null {
  const text = args.string(name);
  if (text === undefined) return null;
  const [warning = Number.NaN, critical = null] = text.split(",").map((part) => read(part.trim()));
  if (Number.isFinite(warning) && (critical === null || (Number.isFinite(critical) && critical >= warning)))
    return [warning, critical];
  throw new PgrescueError("usage", `--${name} ${text} are no limits`, {
    next: "Write a warning limit, and a critical one that is not lower behind a comma: 26h,50h or 16,128.",
  });
}

function backupAge({ survey, now }: CheckContext, [warning, critical]: Limits): Measure {
  const common = { label: "backup_age", unit: "s", warning, critical } as const;
  if (survey === null) return { ...common, value: null, detail: "no repository could be read" };
  const usable = survey.points.filter((p) => p.status === "ok" && p.kind !== "dump");
  const newest = usable.toSorted((a, b) => (a.finishedAt < b.finishedAt ? 1 : -1))[0];
  if (newest === undefined)
    return { ...common, value: null, detail: "there is no backup that can be restored", state: "CRITICAL" };
  const age = Number(now - newest.finishedAt) / 1e6;
  return { ...common, value: age, detail: `newest backup ${ageInWords(age)}` };
}

async function archiveAge(context: CheckContext, [warning, critical]: Limits): Promise<Measure> {
  const common = { label: "archive_age", unit: "s", warning, critical } as const;
  const value = await unarchivedSeconds(context).catch(() => null);
  if (value === null) return { ...common, value, detail: "how much WAL is not archived is not known" };
  return {
    ...common,
    value,
    detail: value === 0 ? "all WAL is archived" : `WAL of the last ${formatDuration(value)} is not archived`,
  };
}

async function waitingWal(context: CheckContext, [warning, critical]: Limits): Promise<Measure> {
  const common = { label: "ready_segments", unit: "", warning, critical } as const;
  const value = await readySegments(context).catch(() => null);
  return {
    ...common,
    value,
    detail:
      value === null ? "how much WAL waits for the archive is not known" : `${value} WAL files wait for the archive`,
  };
}

function missingWal(context: CheckContext): Measure {
  const common = { label: "missing_segments", unit: "", warning: null, critical: 1 } as const;
  const missing = missingSegments(context);
  if (missing === null) return { ...common, value: null, detail: "holes in the WAL are not known" };
  return {
    ...common,
    value: missing,
    detail: missing === 0 ? "no holes in the WAL" : `${missing} segments are missing`,
  };
}

function hasDumps({ survey }: CheckContext): boolean {
  return survey?.points.some(({ kind, status }) => kind === "dump" && status === "ok") ?? false;
}

/** When a restore was last tested, of base backups or of dumps: one says nothing of the other. */
function restoreTestAge(
  { now }: CheckContext,
  tests: readonly Rehearsal[] | null,
  kind: "base" | "dump",
  [warning, critical]: Limits,
): Measure {
  const isDump = kind === "dump";
  const common = {
    label: isDump ? "dump_restore_test_age" : "restore_test_age",
    unit: "s",
    warning,
    critical,
  } as const;
  if (tests === null) return { ...common, value: null, detail: "the runs of this host cannot be read" };
  const alike = tests.filter(({ method }) => method.startsWith("dump-") === isDump);
  const newest = alike.toSorted((a, b) => (a.at < b.at ? 1 : -1))[0];
  const what = isDump ? "a dump's restore" : "restore";
  if (newest === undefined)
    return {
      ...common,
      value: null,
      detail: `no ${isDump ? "restore of a dump" : "restore"} was ever tested here; run: pgrescue verify ${isDump ? "dump " : ""}--restore`,
      state: "WARNING",
    };
  const age = Number(now - newest.at) / 1e6;
  return { ...common, value: age, detail: `${what} test ${ageInWords(age)}` };
}

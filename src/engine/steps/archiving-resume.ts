import { PgrescueError } from "../../domain/errors.ts";
import { historyName } from "../../domain/segment.ts";
import type { RecoveryInputs } from "../../domain/plan.ts";
import type { StepContext, StepKind } from "../step.ts";
import { withProductionSession } from "./production.ts";
import { hasRecorded } from "./recorded.ts";
import { recoveryInputs } from "./recovery-inputs.ts";
import { judged, logged, recorded, verdict } from "./signals.ts";

const name = "archiving";
const title = "archiving on the new timeline";
/** Milliseconds that the first segment may take. */
const patience = 300_000;

/** Proves that the new timeline is archived, and that its name was free: its history and its first segment arrive. */
export const step: StepKind<Record<string, never>> = {
  name: "archiving.resume",
  risk: "production",
  parse: () => ({}),
  describe(_p, raw) {
    return {
      text: `switch WAL and wait until ${recoveryInputs(raw).repository} has the new timeline's history and first segment`,
      commands: [],
    };
  },
  async probe(_p, ctx) {
    return hasRecorded(ctx, name);
  },
  async *run(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    const { clock } = ctx.world;
    const mode = await setting("archive_mode", inputs, ctx);
    if (mode === "off") {
      yield judged(
        verdict(name, title, "warn", "archive_mode is off: only base backups can be recovered from now on", {
          mend: "Run `pgrescue doctor`: it prints the lines that turn archiving on.",
        }),
      );
      yield recorded(name, { mode });
      return;
    }
    const archive = (await ctx.world.repository(inputs.repository)).wal(inputs.cluster, inputs.systemIdentifier);
    const { segment, timeline } = await switchSegment(inputs, ctx);
    yield logged(`select pg_switch_wal(): waiting for ${segment}`);
    const wanted = [...(timeline > 1 ? [historyName(timeline)] : []), segment];
    const deadline = clock.monotonic() + patience;
    for (;;) {
      const missing: string[] = [];
      for (const file of wanted) if (!(await archive.has(file))) missing.push(file);
      if (missing.length === 0) break;
      const failed = await lastFailure(inputs, ctx);
      if (clock.monotonic() > deadline) {
        throw new PgrescueError(
          "external-failure",
          `the archive still lacks ${missing.join(", ")}${failed === null ? "" : `; the archiver last failed on ${failed}`}`,
          {
            means: "The server works, but nothing that is committed now could be recovered.",
            next: "Look at archive_command and the server's log, mend it, then continue.",
          },
        );
      }
      yield {
        signal: "progress",
        done: wanted.length - missing.length,
        total: wanted.length,
        unit: "segments",
        doing: failed === null ? `waiting for ${missing[0]}` : `the archiver fails on ${failed}`,
      };
      await clock.sleep(500, ctx.signal);
    }
    yield judged(verdict(name, title, "pass", `${wanted.join(" and ")} arrived in ${inputs.repository}`));
    yield recorded(name, { mode, segment, timeline });
  },
};

async function setting(which: string, inputs: RecoveryInputs, ctx: StepContext): Promise<string> {
  return withProductionSession(inputs, ctx, async (sql) => {
    const [row] = await sql.query<{ value: string }>("select current_setting($1) as value", [which]);
    return row?.value ?? "";
  });
}

async function switchSegment(
  inputs: RecoveryInputs,
  ctx: StepContext,
): Promise<{ readonly segment: string; readonly timeline: number }> {
  return withProductionSession(inputs, ctx, async (sql) => {
    // A segment without a record in it would not be switched.
    await sql.query("select pg_create_restore_point('pgrescue: archiving resumed')");
    // From 17 on a name at a boundary is the next segment's; below 14 there is no pg_lsn minus a number.
    const last = inputs.postgresVersion >= 140_000 ? "pg_switch_wal() - 1" : "pg_switch_wal()";
    const [row] = await sql.query<{ segment: string }>(`select pg_walfile_name(${last}) as segment`);
    const segment = row?.segment ?? "";
    return { segment, timeline: Number.parseInt(segment.slice(0, 8), 16) };
  });
}

async function lastFailure(inputs: RecoveryInputs, ctx: StepContext): Promise<string | null> {
  return withProductionSession(inputs, ctx, async (sql) => {
    const [row] = await sql.query<{ name: string | null }>(
      "select case when last_failed_time > coalesce(last_archived_time, '-infinity') then last_failed_wal end as name from pg_stat_archiver",
    );
    return row?.name ?? null;
  }).catch(() => null);
}

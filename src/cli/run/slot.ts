import { cronTimes } from "../../adapters/system/cron-times.ts";
import { systemClock } from "../../adapters/system/clock.ts";
import { compose } from "../../compose.ts";
import { PgrescueError } from "../../domain/errors.ts";
import type { Instant } from "../../domain/instant.ts";
import { newestSlot, type WantedBackup } from "../../domain/schedule/newest-slot.ts";
import { slotOfJob, slotTime } from "../../domain/slot.ts";
import type { Arguments, Terminal } from "../command.ts";
import type { Settings } from "../settings.ts";

/**
 * The time in a schedule that a backup is for: by --slot, or by the name that a Kubernetes CronJob gives to its jobs. null: by
 * hand. Throws `usage` for a text that is no time, `config` where `latest` has no entry to look at.
 */
export function slotOf(
  wanted: WantedBackup,
  settings: Settings,
  args: Pick<Arguments, "string">,
  env: Terminal["env"],
): Instant | null {
  const text = args.string("slot");
  if (text === undefined) return slotOfJob(env["PGRESCUE_JOB_NAME"] ?? "");
  if (text === "latest") return latest(wanted, settings);
  const at = slotTime(text);
  if (at !== null) return at;
  throw new PgrescueError("usage", `--slot ${text} is not a time`, {
    next: "Write the time that the schedule meant, 2026-11-20T01:00:00Z, or latest.",
  });
}

function latest(wanted: WantedBackup, settings: Settings): Instant {
  const { schedule } = settings.loaded.config;
  const slot = newestSlot(schedule, wanted, (entry) => cronTimes(entry.at, entry.timeZone), systemClock.now());
  if (slot !== null) return slot;
  const { cluster, kind, databases } = wanted;
  const what = kind === "base" ? "base backup" : `dump of ${databases?.join(", ") ?? "all databases"}`;
  throw new PgrescueError("config", `no entry of the schedule is a ${what} of ${cluster} that was ever due`, {
    next: "Add one to `schedule` in the configuration, or write the time itself: --slot 2026-11-20T01:00:00Z.",
  });
}

/** Whether the backup for a slot is there: says so. A repository that is not made yet has none. */
export async function wasTaken(
  slot: string,
  { cluster, repository }: { readonly cluster: string; readonly repository: string },
  settings: Settings,
  args: Arguments,
  terminal: Terminal,
): Promise<boolean> {
  const opened = await compose(settings, terminal.env)
    .repository(repository)
    .catch((error: unknown) => {
      if (error instanceof PgrescueError && error.code === "repository-not-found") return null;
      throw error;
    });
  if (opened === null) return false;
  for await (const point of opened.points({ cluster })) {
    if (point.slot !== slot || point.status !== "ok") continue;
    const reason = `${point.id} was taken for ${slot} already`;
    terminal.log(`skipped: ${reason}`);
    if (args.flag("json") || args.flag("jsonl"))
      terminal.print(JSON.stringify({ schema: "pgrescue.skipped/v1", cluster, kind: "backup", slot, reason }));
    return true;
  }
  return false;
}

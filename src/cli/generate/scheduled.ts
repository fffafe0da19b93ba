import { cronTimes } from "../../adapters/system/cron-times.ts";
import { PgrescueError } from "../../domain/errors.ts";
import { workOf, type ScheduledWork } from "../../domain/schedule/entry.ts";
import type { Arguments, Terminal } from "../command.ts";
import { openSettings, type Settings } from "../settings.ts";

/** The configuration's schedule as work, for generators of whatever runs it. Throws `config` where there is none, or no sense in it. */
export async function scheduledWork(
  args: Arguments,
  terminal: Terminal,
): Promise<{ readonly settings: Settings; readonly work: readonly ScheduledWork[] }> {
  const settings = await openSettings(args, terminal);
  const { schedule, clusters } = settings.loaded.config;
  const only = Object.keys(clusters).length > 1 ? settings.clusterName : null;
  const { work, unable } = workOf(schedule.filter(({ cluster }) => only === null || cluster === only));
  for (const text of unable) terminal.log(`[WARN] ${text}: the entry is left out`);
  for (const one of work) requireSense(one);
  if (work.length > 0) return { settings, work };
  throw new PgrescueError("config", `no schedule in ${settings.loaded.file ?? "any configuration file"}`, {
    next: 'Add `schedule: [{cluster: shop, backup: base, at: "0 1 * * *"}]`.',
  });
}

function requireSense(work: ScheduledWork): void {
  cronTimes(work.entry.at, work.entry.timeZone);
  // eslint-disable-next-line no-control-regex
  if (work.command(null).some((word) => /[\0-\x1f\x7f]/.test(word)))
    throw new PgrescueError("config", `${work.name} has a line break or a control character in a name`, {
      next: "Files of schedulers are made of lines: let `pgrescue schedule` run it.",
    });
}

/** The entry's time in the five fields that every cron knows. Throws `config` for what only our own scheduler understands. */
export function fiveFields(work: ScheduledWork, scheduler: string): string {
  const fields = work.entry.at.trim().split(/\s+/);
  const isPlain = /^(?:\*|[a-z]{3}|\d+)(?:-(?:[a-z]{3}|\d+))?(?:\/\d+)?$/i;
  if (fields.length === 5 && fields.every((field) => field.split(",").every((item) => isPlain.test(item))))
    return fields.join(" ");
  throw new PgrescueError("config", `${work.name}: ${scheduler} has no way to say ${JSON.stringify(work.entry.at)}`, {
    next: "Write it in five plain fields, or let `pgrescue schedule` run it.",
  });
}

/** Work that writes to a repository waits for whoever is at it; drills only read. */
export function waitingOptions({ proof }: ScheduledWork): readonly string[] {
  return proof === null || proof === "drill" ? [] : ["--lock-wait", "1h"];
}

/** Options by which a process that somebody else starts finds the same configuration. */
export function configOptions(settings: Settings): readonly string[] {
  return [
    ...(settings.loaded.file === null ? [] : ["--config", settings.loaded.file]),
    ...(settings.isStateDefault === true ? [] : ["--state-dir", settings.stateDirectory]),
  ];
}

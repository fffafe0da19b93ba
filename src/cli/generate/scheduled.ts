import { PgrescueError } from "../../domain/errors.ts";
import { workOf, type ScheduledWork } from "../../domain/schedule/entry.ts";
import type { Arguments, Terminal } from "../command.ts";
import { openSettings, type Settings } from "../settings.ts";

/** The configuration's schedule as work, for generators of whatever runs it. Throws `config` where there is none. */
export async function scheduledWork(
  args: Arguments,
  terminal: Terminal,
): Promise<{ readonly settings: Settings; readonly work: readonly ScheduledWork[] }> {
  const settings = await openSettings(args, terminal);
  const { schedule, clusters } = settings.loaded.config;
  const only = Object.keys(clusters).length > 1 ? settings.clusterName : null;
  const { work, unable } = workOf(schedule.filter(({ cluster }) => only === null || cluster === only));
  for (const text of unable) terminal.log(`[WARN] ${text}: the entry is left out`);
  if (work.length > 0) return { settings, work };
  throw new PgrescueError("config", `no schedule in ${settings.loaded.file ?? "any configuration file"}`, {
    next: 'Add `schedule: [{cluster: shop, backup: base, at: "0 1 * * *"}]`.',
  });
}

/** Work that writes to a repository waits for whoever is at it. */
export function waitingOptions(work: ScheduledWork): readonly string[] {
  return work.proof === null ? [] : ["--lock-wait", "1h"];
}

/** Options by which a process that somebody else starts finds the same configuration. */
export function configOptions(settings: Settings): readonly string[] {
  return [
    ...(settings.loaded.file === null ? [] : ["--config", settings.loaded.file]),
    ...(settings.isStateDefault === true ? [] : ["--state-dir", settings.stateDirectory]),
  ];
}

import { commandLine } from "../../domain/command-line.ts";
import { PgrescueError } from "../../domain/errors.ts";
import { thisProgram } from "../../adapters/system/program.ts";
import { configOptions, fiveFields, scheduledWork, waitingOptions } from "./scheduled.ts";
import type { Topic } from "./topic.ts";

/** A file for /etc/cron.d with a line for each entry of the schedule. */
export const cron: Topic = {
  summary: "lines for /etc/cron.d from the schedule",
  examples: ["pgrescue generate cron > /etc/cron.d/pgrescue"],
  run: async (args, terminal) => {
    const { settings, work } = await scheduledWork(args, terminal);
    const user = args.string("user") ?? "postgres";
    if (!/^[a-z_][a-z0-9_-]*\$?$/.test(user))
      throw new PgrescueError("usage", `--user ${JSON.stringify(user)} is no user`, {
        next: "Name one like postgres.",
      });
    const { node, script } = thisProgram();
    terminal.print(
      "# Written by `pgrescue generate cron` from the schedule in the configuration. Mail comes only when something is wrong.",
    );
    terminal.print("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    for (const one of work) {
      const { timeZone } = one.entry;
      const at = fiveFields(one, "cron");
      const words = [...one.command(null), ...waitingOptions(one), ...configOptions(settings), "--no-input", "--quiet"];
      // The minute at which cron starts it is the slot; cron reads % as a line break.
      const slot = one.entry.backup === undefined ? "" : ` --slot "$(date -u +%Y-%m-%dT%H:%MZ)"`;
      const line = commandLine([node, script, ...words]) + slot;
      terminal.print(`# ${one.words}; the times are ${timeZone}'s, and cron's are this host's`);
      terminal.print(`${at}  ${user}  ${line.replaceAll("%", String.raw`\%`)}`);
    }
    const zones = new Set(work.map(({ entry }) => entry.timeZone));
    const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if ([...zones].some((zone) => zone !== here && !(isUtc(zone) && isUtc(here))))
      terminal.log(
        `[WARN] cron works in this host's time zone, ${here}; the schedule says ${[...zones].join(", ")}: change the lines, or use systemd or pgrescue schedule.`,
      );
    return 0;
  },
};

function isUtc(zone: string): boolean {
  return ["UTC", "Etc/UTC", "Universal", "Etc/Universal"].includes(zone);
}

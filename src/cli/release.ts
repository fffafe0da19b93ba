import { compose } from "../compose.ts";
import { PgrescueError } from "../domain/errors.ts";
import { runAsOwner } from "./as-owner.ts";
import type { Command } from "./command.ts";
import { pointArgument } from "./hold-places.ts";
import { openSettings, requireCluster } from "./settings.ts";

export const command: Command = {
  summary: "end a hold",
  usage: "release POINT|everything",
  description: "The policy decides again about what was held. Exit code 20 where there is no such hold.",
  options: { "dry-run": { type: "boolean", summary: "say what would be released, change nothing" } },
  examples: ["pgrescue release 20261120T010411Z-base", "pgrescue release everything"],
  positionals: { min: 1, max: 1 },
  run: async (args, terminal) => {
    const settings = requireCluster(await openSettings(args, terminal));
    const point = pointArgument(args);
    const code = await runAsOwner("release", args, settings, terminal);
    if (code !== null) return code;
    const world = compose(settings, terminal.env);
    const released: string[] = [];
    for (const { name } of settings.repositories) {
      const { keeping } = await world.repository(name);
      if (keeping === undefined) continue;
      const isHeld = (await keeping.holds(settings.clusterName)).some((h) => h.run === null && h.point === point);
      if (!isHeld) continue;
      if (!args.flag("dry-run")) await keeping.release({ cluster: settings.clusterName, point, run: null });
      released.push(name);
      terminal.log(`${args.flag("dry-run") ? "would release" : "released"} ${point ?? "everything"} in ${name}`);
    }
    if (released.length === 0)
      throw new PgrescueError("no-recovery-point", `nothing is held as ${point ?? "everything"}`, {
        next: "`pgrescue expire` shows what is held and why.",
      });
    if (args.flag("json"))
      terminal.print(JSON.stringify({ schema: "pgrescue.release/v1", point, repositories: released }));
    return 0;
  },
};

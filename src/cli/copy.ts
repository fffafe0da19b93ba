import { hostname } from "node:os";
import { compose } from "../compose.ts";
import type { Json } from "../domain/brand.ts";
import { PgrescueError } from "../domain/errors.ts";
import type { CopyInputs } from "../domain/plan.ts";
import { runAsOwner } from "./as-owner.ts";
import type { Arguments, Command, Terminal } from "./command.ts";
import { lockOptions } from "./run/lock-options.ts";
import { showOptions } from "./run/show-run.ts";
import { runUnattended } from "./run/unattended.ts";
import { openSettings, requireCluster, type Settings } from "./settings.ts";

export const command: Command = {
  summary: "bring backups and WAL into another repository, byte for byte",
  usage: "copy [--from NAME] [--to NAME]... [--point ID]",
  description:
    "Copies what the other repositories lack, and reads the copies back. Backups are offered there only when all of\nthem is there; a copy that was cut off goes on. Nothing is removed or replaced anywhere. Encrypted content stays\nas it is: no key is needed.",
  options: {
    from: { type: "string", value: "NAME", summary: "the repository to copy from (default the cluster's first)" },
    to: {
      type: "string",
      value: "NAME",
      multiple: true,
      summary: "the repository to copy to (default all the cluster's others)",
    },
    point: { type: "string", value: "ID", summary: "only this point (or latest); default all" },
    "dry-run": { type: "boolean", summary: "show the steps, change nothing" },
    ...lockOptions,
    ...showOptions,
  },
  examples: [
    "pgrescue copy                              # from the first repository to all others",
    "pgrescue copy --to offsite --point latest",
  ],
  run: async (args, terminal) => {
    const settings = requireCluster(await openSettings(args, terminal));
    const code = await runAsOwner("copy", args, settings, terminal);
    if (code !== null) return code;
    const inputs = await copyInputsOf(settings, args, terminal);
    const asJson = { ...inputs, repository: inputs.to[0] ?? null } as unknown as { readonly [key: string]: Json };
    return await runUnattended(
      {
        kind: "copy",
        cluster: settings.clusterName,
        runbook: "copy",
        inputs: asJson,
        confirm: `${settings.clusterName}@${hostname()}`,
      },
      settings,
      args,
      terminal,
    );
  },
};

async function copyInputsOf(
  settings: Settings & { readonly clusterName: string },
  args: Arguments,
  terminal: Terminal,
): Promise<CopyInputs> {
  const names = settings.repositories.map((r) => r.name);
  const from = args.string("from") ?? names[0];
  if (from === undefined) throw new PgrescueError("config", `cluster ${settings.clusterName} has no repository`);
  const asked = args.strings("to");
  const to = asked.length > 0 ? asked : names.filter((name) => name !== from);
  if (to.length === 0)
    throw new PgrescueError("config", `cluster ${settings.clusterName} has no other repository than ${from}`, {
      next: "Configure a second one under repositories and name it in the cluster's list, or with --to.",
    });
  if (to.includes(from))
    throw new PgrescueError("usage", `${from} cannot be copied onto itself`, { next: "Name another one with --to." });
  const repository = await compose(settings, terminal.env).repository(from);
  const cluster = settings.clusterName;
  const points = [];
  for await (const point of repository.points({ cluster }))
    if (point.status === "ok" && (point.kind === "base" || point.kind === "dump")) points.push(point);
  const wanted = args.string("point") ?? "all";
  const chosen =
    wanted === "all" ? points : wanted === "latest" ? points.slice(-1) : points.filter((point) => point.id === wanted);
  if (chosen.length === 0)
    throw new PgrescueError(
      "no-recovery-point",
      points.length === 0 ? `${from} has no finished backup of ${cluster}` : `there is no point ${wanted} in ${from}`,
    );
  return {
    method: "copy",
    cluster,
    from,
    to,
    points: chosen.map((point) => point.id),
    systems: [...new Set(chosen.filter((point) => point.kind !== "dump").map((point) => point.systemIdentifier))],
  };
}

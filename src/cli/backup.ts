import { hostname } from "node:os";
import { PgrescueError } from "../domain/errors.ts";
import type { Instant } from "../domain/instant.ts";
import type { BackupInputs } from "../domain/plan.ts";
import { parseDuration } from "../domain/quantity.ts";
import { keepRules, type KeepRule } from "../domain/retention/policy.ts";
import { slotName } from "../domain/slot.ts";
import { runAsOwner } from "./as-owner.ts";
import type { Arguments, Command } from "./command.ts";
import { dumpInputsOf, dumpOptions, refuseForeignOptions } from "./dump-options.ts";
import { lockOptions } from "./run/lock-options.ts";
import { showOptions } from "./run/show-run.ts";
import { slotOf, wasTaken } from "./run/slot.ts";
import { proven } from "./run/proven.ts";
import { runUnattended } from "./run/unattended.ts";
import {
  firstRepository,
  furtherRepositories,
  includesOf,
  openSettings,
  requireCluster,
  type Settings,
} from "./settings.ts";

export const command: Command = {
  summary: "take one backup now",
  usage: "backup [--kind base|dump] [--database NAME]... [--dry-run]",
  description:
    "Takes a base backup of a running server with all its tablespaces: files are read directly where the\nserver is local, through the replication protocol where it is remote. It is offered as a recovery point\nonly when everything, its WAL included, is in the repository. With --kind dump, dumps databases of any\nserver with pg_dump instead, roles and tablespaces with them.",
  options: {
    kind: {
      type: "string",
      choices: ["base", "dump"],
      summary: "all files of the server, or databases as pg_dump writes them (default base)",
    },
    source: {
      type: "string",
      choices: ["auto", "local", "remote"],
      summary: "read the files here, or through the replication protocol (default auto)",
    },
    wal: {
      type: "string",
      choices: ["auto", "archive", "include"],
      summary: "wait until the archive has the backup's WAL, or keep it inside the backup (default auto)",
    },
    keep: {
      type: "string",
      choices: keepRules,
      summary: "keep it as long as backups of that rule of the policy",
    },
    label: { type: "string", value: "TEXT", summary: "a label to find it by" },
    checkpoint: {
      type: "string",
      choices: ["fast", "spread"],
      summary: "begin with an immediate checkpoint or wait for a gentle one (default fast)",
    },
    "wal-timeout": {
      type: "string",
      value: "DURATION",
      summary: "how long to wait for the backup's last WAL in the archive (default 10m)",
    },
    slot: {
      type: "string",
      value: "TIME",
      summary: "for that time of a schedule, or its latest: nothing is done where that backup is there already",
    },
    "no-copy": { type: "boolean", summary: "only into the first repository of the cluster's list" },
    verify: {
      type: "string",
      choices: ["restore"],
      summary: "afterwards restore it into scratch and check it; the backup stays where that fails",
    },
    ...dumpOptions,
    "dry-run": { type: "boolean", summary: "show the steps, change nothing" },
    ...lockOptions,
    ...showOptions,
  },
  examples: [
    "pgrescue backup                            # the only cluster's server, into its first repository",
    "pgrescue backup --cluster shop --jsonl     # for schedulers: events on stdout",
    "pgrescue backup --lock-wait 30m            # after the run that works in the repository now, if that ends in time",
    "pgrescue backup --slot latest              # from a timer: once for each time of the schedule's entry",
    "pgrescue backup --verify restore           # and prove it: restored into scratch, checked, removed again",
    "pgrescue backup --source remote            # through the replication protocol",
    "pgrescue backup --kind dump                # every database, with roles and exact row counts",
    "pgrescue backup --kind dump --database shop --fingerprint   # and what its rows say, to compare a restore with",
  ],
  run: async (args, terminal) => {
    const settings = await openSettings(args, terminal);
    const known = requireCluster(settings);
    const code = await runAsOwner("backup", args, settings, terminal);
    if (code !== null) return code;
    const isDump = args.string("kind") === "dump";
    refuseForeignOptions(isDump ? "dump" : "base", args);
    const databases = args.strings("database");
    const wanted = {
      cluster: known.clusterName,
      kind: isDump ? "dump" : "base",
      databases: databases.length === 0 ? null : databases,
    } as const;
    const slot = slotOf(wanted, known, args, terminal.env);
    const inputs = isDump ? dumpInputsOf(known, args, slot) : backupInputs(known, args, slot);
    const name = inputs.slot ?? null;
    const isDone = async (): Promise<boolean> => name !== null && (await wasTaken(name, inputs, known, args, terminal));
    if (!args.flag("dry-run") && (await isDone())) return 0;
    const taking = { settings: known, args, terminal };
    return await proven(taking, (onOpened, shown) =>
      runUnattended(
        {
          onOpened,
          kind: "backup",
          cluster: known.clusterName,
          runbook: isDump ? "dump" : "backup",
          inputs: JSON.parse(JSON.stringify(inputs)),
          confirm: `${known.clusterName}@${hostname()}`,
          isDone,
        },
        settings,
        args,
        shown,
      ),
    );
  },
};

/** What `backup` was asked to do, as its run keeps it. */
export function backupInputs(
  settings: Settings & { readonly clusterName: string },
  args: Pick<Arguments, "string" | "flag">,
  slot: Instant | null = null,
): BackupInputs {
  const { clusterName, cluster } = settings;
  const target = firstRepository(settings);
  const timeout = args.string("wal-timeout") ?? "10m";
  const walTimeoutSeconds = parseDuration(timeout);
  if (walTimeoutSeconds === null)
    throw new PgrescueError("usage", `--wal-timeout ${timeout} is not a duration`, {
      next: "Write it like 30s, 10m, 2h.",
    });
  return {
    method: "backup",
    cluster: clusterName,
    repository: target.name,
    source: (args.string("source") ?? "auto") as BackupInputs["source"],
    wal: (args.string("wal") ?? "auto") as BackupInputs["wal"],
    label: args.string("label") ?? `pgrescue ${clusterName}`,
    checkpoint: (args.string("checkpoint") ?? "fast") as BackupInputs["checkpoint"],
    walTimeoutSeconds,
    dataDirectory: cluster?.dataDirectory ?? null,
    keep: (args.string("keep") as KeepRule | undefined) ?? null,
    slot: slot === null ? null : slotName("base", null, slot),
    includes: includesOf(cluster),
    copyTo: args.flag("no-copy") ? null : furtherRepositories(settings),
  };
}

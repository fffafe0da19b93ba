import { PgrescueError } from "../domain/errors.ts";
import type { DumpInputs } from "../domain/plan.ts";
import type { Instant } from "../domain/instant.ts";
import { slotName } from "../domain/slot.ts";
import { parseDuration } from "../domain/quantity.ts";
import type { KeepRule } from "../domain/retention/policy.ts";
import type { Arguments, OptionSpecs } from "./command.ts";
import { firstRepository, furtherRepositories, includesOf, type Settings } from "./settings.ts";

/** Options of `backup --kind dump`. */
export const dumpOptions = {
  database: { type: "string", value: "NAME", summary: "dump: this database (default all)", multiple: true },
  exclude: { type: "string", value: "NAME", summary: "dump: not this database", multiple: true },
  schema: { type: "string", value: "PATTERN", summary: "dump: only these schemas", multiple: true },
  "exclude-schema": { type: "string", value: "PATTERN", summary: "dump: not these schemas", multiple: true },
  table: { type: "string", value: "PATTERN", summary: "dump: only these tables", multiple: true },
  "exclude-table": { type: "string", value: "PATTERN", summary: "dump: not these tables", multiple: true },
  compress: {
    type: "string",
    value: "METHOD",
    summary: "dump: pg_dump's --compress: 0 to 9; from its version 16 also gzip:6, lz4, zstd:3, none",
  },
  rows: { type: "string", choices: ["exact", "none"], summary: "dump: count rows in its snapshot (default exact)" },
  fingerprint: { type: "boolean", summary: "dump: also add up what the rows say, to compare a restore with" },
  "lock-timeout": {
    type: "string",
    value: "DURATION",
    summary: "dump: how long to wait for a table that somebody has locked (default 5m)",
  },
} as const satisfies OptionSpecs;

const baseOptions = ["source", "wal", "checkpoint", "wal-timeout"];

/** Throws `usage` for an option that the other kind of backup has. */
export function refuseForeignOptions(
  kind: "base" | "dump",
  args: Pick<Arguments, "string" | "strings" | "flag">,
): void {
  const foreign = kind === "dump" ? baseOptions : Object.keys(dumpOptions);
  const isGiven = (name: string): boolean =>
    args.flag(name) || args.string(name) !== undefined || args.strings(name).length > 0;
  const bad = foreign.find(isGiven);
  if (bad !== undefined)
    throw new PgrescueError("usage", `--${bad} means nothing for a ${kind === "dump" ? "dump" : "base backup"}`, {
      next: kind === "dump" ? "Leave it out." : "Add --kind dump, or leave it out.",
    });
}

/** What `backup --kind dump` was asked to do, as its run keeps it. Throws `usage`. */
export function dumpInputsOf(
  settings: Settings & { readonly clusterName: string },
  args: Pick<Arguments, "string" | "strings" | "flag">,
  slot: Instant | null,
): DumpInputs {
  const timeout = args.string("lock-timeout") ?? "5m";
  const lockTimeoutSeconds = parseDuration(timeout);
  if (lockTimeoutSeconds === null)
    throw new PgrescueError("usage", `--lock-timeout ${timeout} is not a duration`, {
      next: "Write it like 30s, 10m, 2h.",
    });
  const compress = args.string("compress") ?? null;
  if (compress !== null && !/^(?:\d|(?:gzip|lz4|zstd)(?::[a-z0-9=,]+)?|none)$/.test(compress))
    throw new PgrescueError("usage", `--compress ${compress} is no method of pg_dump's`, {
      next: "Write 0 to 9, gzip:6, lz4, zstd:3 or none.",
    });
  const databases = args.strings("database");
  return {
    method: "dump",
    cluster: settings.clusterName,
    repository: firstRepository(settings).name,
    databases: databases.length === 0 ? null : [...new Set(databases)],
    exclude: args.strings("exclude"),
    filters: {
      schemas: args.strings("schema"),
      excludeSchemas: args.strings("exclude-schema"),
      tables: args.strings("table"),
      excludeTables: args.strings("exclude-table"),
    },
    compress,
    proof: args.flag("fingerprint") ? "fingerprint" : args.string("rows") === "none" ? "none" : "rows",
    lockTimeoutSeconds,
    label: args.string("label") ?? `pgrescue ${settings.clusterName}`,
    keep: (args.string("keep") as KeepRule | undefined) ?? null,
    slot: slot === null ? null : slotName("dump", databases.length === 0 ? null : databases, slot),
    includes: includesOf(settings.cluster),
    copyTo: args.flag("no-copy") ? null : furtherRepositories(settings),
    binaries: settings.cluster?.binaries ?? null,
  };
}

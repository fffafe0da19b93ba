import type { Json } from "../../domain/brand.ts";
import { PgrescueError } from "../../domain/errors.ts";
import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import { keepRules } from "../../domain/retention/policy.ts";
import type { BackupRequest } from "../../ports/backup-source.ts";
import type { StepContext } from "../step.ts";

/** What a backup step takes from the runbook; what is not there comes from the run's inputs, then from `defaults`. */
export type BackupParameters = { readonly [name: string]: Json };

const choices: { readonly [name: string]: readonly (string | null)[] } = {
  source: ["auto", "local", "remote"],
  wal: ["auto", "archive", "include"],
  checkpoint: ["fast", "spread"],
  keep: [...keepRules, null],
};

const defaults = {
  source: "auto",
  wal: "auto",
  checkpoint: "fast",
  label: "pgrescue",
  walTimeoutSeconds: 3600,
  dataDirectory: null,
  keep: null,
  slot: null,
  includes: [],
};
const names = ["cluster", "repository", ...Object.keys(defaults), "full"];

/** Checks the parameters of a backup step. Throws `config` naming the bad one. */
export function parseBackupParameters(raw: BackupParameters): BackupParameters {
  for (const [name, value] of Object.entries(raw)) {
    if (!names.includes(name)) throw new PgrescueError("config", `a backup step has no parameter ${name}`);
    const allowed: readonly Json[] | undefined = choices[name];
    if (allowed?.includes(value) === false)
      throw new PgrescueError(
        "config",
        `${name} is ${JSON.stringify(value)}; it may be ${choices[name]?.map(String).join(", ")}`,
      );
  }
  return raw;
}

/** The request of this step: its parameters over the run's inputs over the defaults. Throws `config` where cluster or repository is missing. */
export function backupRequest(
  p: BackupParameters,
  inputs: BackupParameters,
): Omit<BackupRequest, "run" | "scratchDirectory"> {
  const all: BackupParameters = { ...defaults, ...inputs, ...p };
  for (const name of ["cluster", "repository"]) {
    if (typeof all[name] !== "string")
      throw new PgrescueError("config", `the run does not say which ${name} to back up`);
  }
  parseBackupParameters(Object.fromEntries(Object.keys(choices).map((name) => [name, all[name] ?? null])));
  const {
    cluster,
    repository,
    source,
    wal,
    checkpoint,
    label,
    walTimeoutSeconds,
    dataDirectory,
    keep,
    slot,
    includes,
  } = all as unknown as BackupRequest;
  const rest = {
    checkpoint,
    label,
    walTimeoutSeconds,
    dataDirectory,
    keep: keep ?? null,
    slot: slot ?? null,
    includes: includes ?? [],
  };
  return { cluster, repository, source, wal, ...rest };
}

/** The same, with what the running step knows. */
export function requestOf(p: BackupParameters, ctx: StepContext): BackupRequest {
  return { ...backupRequest(p, ctx.inputs), run: ctx.run, scratchDirectory: ctx.directory };
}

/** The point that this run, or another one for the same slot, has committed; null while there is none. */
export async function pointOfRun(p: BackupParameters, ctx: StepContext): Promise<RecoveryPoint | null> {
  const request = requestOf(p, ctx);
  const repository = await ctx.world.repository(request.repository);
  for await (const point of repository.points({ cluster: request.cluster })) {
    if (point.run === ctx.run && point.status !== "incomplete") return point;
    if (request.slot != null && point.slot === request.slot && point.status === "ok") return point;
  }
  return null;
}

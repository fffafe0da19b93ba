import { mkdir, readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Json } from "../../domain/brand.ts";
import { messageOf, PgrescueError } from "../../domain/errors.ts";
import { runKinds } from "../../domain/run/events.ts";
import { isRunId } from "../../domain/run/run-id.ts";
import type { RunLaunch, RunSpec } from "../../domain/run/spec.ts";
import type { Runbook } from "../../domain/runbook.ts";
import { syncDirectory, writeFileDurably } from "../system/durable-file.ts";

/** Names inside a run's directory. */
export const runFiles = {
  spec: "spec.json",
  launch: "launch.json",
  journal: "journal.jsonl",
  socket: "runner.sock",
  log: "runner.log",
} as const;

/** The directory of the runs below a state directory. */
export function runsDirectory(stateDirectory: string): string {
  return join(stateDirectory, "runs");
}

/**
 * Makes `<stateDirectory>/runs/<id>` (0700) with its spec.json, complete or not at all. Throws
 * `precondition-refused` when the run exists.
 */
export async function createRunDirectory(stateDirectory: string, spec: RunSpec): Promise<string> {
  const runs = runsDirectory(stateDirectory);
  await mkdir(runs, { recursive: true, mode: 0o700 });
  const final = join(runs, spec.run);
  const making = join(runs, `.${spec.run}.new`);
  await mkdir(making, { recursive: true, mode: 0o700 });
  await writeFileDurably(join(making, runFiles.spec), `${JSON.stringify(spec, null, 1)}\n`);
  try {
    await rename(making, final);
  } catch (error) {
    throw new PgrescueError("precondition-refused", `cannot make the run ${spec.run}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  await syncDirectory(runs);
  return final;
}

/** The names of all runs below a state directory, newest first; none when there is no such directory. */
export async function listRuns(stateDirectory: string): Promise<readonly string[]> {
  const names = await readdir(runsDirectory(stateDirectory)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new PgrescueError("precondition-refused", `cannot read the runs in ${stateDirectory}: ${error.message}`, {
      next: "Run it as the owner of the state directory (the database's user) or as root.",
      cause: error,
    });
  });
  return names.filter(isRunId).sort().reverse();
}

const json = z.json() as z.ZodType<Json>;

const actorSchema = z.object({
  user: z.string(),
  host: z.string(),
  pid: z.number(),
  tty: z.string().exactOptional(),
  ssh: z.string().exactOptional(),
});

const specSchema = z.object({
  schema: z.literal("pgrescue.run-spec/v1"),
  run: z.string(),
  kind: z.enum(runKinds),
  cluster: z.string(),
  // Checked against the runbook's own schema when it was loaded; its steps are checked again when they are planned.
  runbook: z.custom<Runbook>(
    (value) => typeof value === "object" && value !== null && "steps" in value && Array.isArray(value.steps),
  ),
  sha256: z.string(),
  inputs: z.record(z.string(), json),
  confirm: z.string(),
  actor: actorSchema,
  version: z.string(),
  lock: z.object({ systemIdentifier: z.string(), dataDirectory: z.string() }).nullable(),
  settings: z.record(z.string(), json),
}) satisfies z.ZodType<RunSpec>;

const launchSchema = z.object({
  schema: z.literal("pgrescue.run-launch/v1"),
  interactive: z.boolean(),
  answers: z.record(z.string(), z.string()),
  actor: actorSchema,
  task: z.enum(["run", "undo"]),
  lockWaitMilliseconds: z.number().exactOptional(),
}) satisfies z.ZodType<RunLaunch>;

/** What a run was opened with. Throws `config` when it is a newer program's or no longer whole. */
export async function readSpec(runDirectory: string): Promise<RunSpec> {
  return readChecked(join(runDirectory, runFiles.spec), specSchema);
}

/** How the current attempt was started. */
export async function readLaunch(runDirectory: string): Promise<RunLaunch> {
  return readChecked(join(runDirectory, runFiles.launch), launchSchema);
}

/** Says how the next attempt starts. */
export async function writeLaunch(runDirectory: string, launch: RunLaunch): Promise<void> {
  const path = join(runDirectory, runFiles.launch);
  await writeFileDurably(path, `${JSON.stringify(launch, null, 1)}\n`);
}

async function readChecked<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new PgrescueError("config", `cannot read ${path}: ${messageOf(error)}`, {
      next: "Check that the run exists and that you may read it.",
      cause: error,
    });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new PgrescueError(
    "config",
    `${path} is not what this pgrescue writes: ${issue?.path.join(".")}: ${issue?.message}`,
    {
      next: "Use the pgrescue that made the run, or a newer one.",
    },
  );
}

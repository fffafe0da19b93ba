import type { RecoveryInputs } from "../../domain/plan.ts";
import { parseWalFileName } from "../../domain/segment.ts";
import { parseHistory, type TimelineHistory } from "../../domain/timeline.ts";
import { faultOfPlace, readWalHeader, walHeaderLength } from "../../domain/wal-header.ts";
import type { StepContext } from "../step.ts";
import { isInPlace } from "./recovery-inputs.ts";

/** A file of the old server's WAL that is what its name says. */
export interface SavableFile {
  readonly name: string;
  readonly path: string;
  /** Finished, and never confirmed to be archived (archive_status/<name>.ready). */
  readonly waiting: boolean;
}

/**
 * Where WAL is saved to, or was saved to before a recovery elsewhere; null where there is none. In place: beside the data
 * directory as the plan says, or in the run's directory where nothing can be made there; what exists is kept to.
 */
export async function savedWalDirectory(inputs: RecoveryInputs, ctx: StepContext): Promise<string | null> {
  if (inputs.savedWal === null || !isInPlace(inputs)) return inputs.savedWal;
  const { files } = ctx.world;
  const own = `${ctx.directory}/wal`;
  if ((await files.facts(inputs.savedWal)) !== null) return inputs.savedWal;
  if ((await files.facts(own)) !== null) return own;
  return (await files.space(inputs.savedWal)).writable ? inputs.savedWal : own;
}

/** The old server's pg_wal: in the data directory that will be written, where an earlier attempt saved it, or where it is read beside production. */
export async function savableSegments(inputs: RecoveryInputs, ctx: StepContext): Promise<readonly SavableFile[]> {
  const found: SavableFile[] = [];
  for (const directory of await savableDirectories(inputs, ctx)) {
    for (const file of await segmentsIn(directory, inputs, ctx)) {
      if (!found.some((f) => f.name === file.name)) found.push(file);
    }
  }
  return found;
}

/** Timeline histories of the same places; a damaged one is left out. */
export async function savableHistories(inputs: RecoveryInputs, ctx: StepContext): Promise<readonly TimelineHistory[]> {
  const found: TimelineHistory[] = [];
  for (const directory of await savableDirectories(inputs, ctx)) {
    for (const { name, path } of await historiesIn(directory, ctx)) {
      const timeline = parseWalFileName(name)?.timeline;
      if (timeline === undefined || found.some((h) => h.timeline === timeline)) continue;
      const history = parseHistory(timeline, (await ctx.world.files.read(path)) ?? "damaged");
      if (history !== null) found.push(history);
    }
  }
  return found;
}

async function savableDirectories(inputs: RecoveryInputs, ctx: StepContext): Promise<readonly string[]> {
  // Beside production its pg_wal is only read, where the plan names it.
  const saved = await savedWalDirectory(inputs, ctx);
  return [...(isInPlace(inputs) ? [`${inputs.dataDirectory}/pg_wal`] : []), ...(saved === null ? [] : [saved])];
}

/**
 * Segments of this system in a directory. Recycled segments, which carry a later name than what they hold, are left
 * out: their first page tells.
 */
export async function segmentsIn(
  directory: string,
  inputs: RecoveryInputs,
  ctx: StepContext,
): Promise<readonly SavableFile[]> {
  const { files } = ctx.world;
  const status = new Set(await files.list(`${directory}/archive_status`));
  const found: SavableFile[] = [];
  for (const name of (await files.list(directory)) ?? []) {
    if (parseWalFileName(name)?.kind !== "segment") continue;
    const path = `${directory}/${name}`;
    const head = await files.readBytes(path, 0, walHeaderLength);
    const header = head === null ? null : readWalHeader(head);
    if (header === null || header.systemIdentifier !== inputs.systemIdentifier) continue;
    if (faultOfPlace(name, header) === null) found.push({ name, path, waiting: status.has(`${name}.ready`) });
  }
  return found;
}

/** Timeline histories in a directory. */
export async function historiesIn(directory: string, ctx: StepContext): Promise<readonly SavableFile[]> {
  const status = new Set(await ctx.world.files.list(`${directory}/archive_status`));
  const names = ((await ctx.world.files.list(directory)) ?? []).filter(
    (name) => parseWalFileName(name)?.kind === "history",
  );
  return names.map((name) => ({ name, path: `${directory}/${name}`, waiting: status.has(`${name}.ready`) }));
}

import { messageOf, PgrescueError } from "../../domain/errors.ts";
import type { RecoveryInputs } from "../../domain/plan.ts";
import { formatLsn } from "../../domain/lsn.ts";
import { segmentNumberOf, segmentOf } from "../../domain/segment.ts";
import type { WalArchive } from "../../ports/repository.ts";
import type { StepContext, StepKind } from "../step.ts";
import { restoreIntent } from "./own-mark.ts";
import { isOwnOrNone } from "./production.ts";
import { recordedNames } from "./recorded.ts";
import { lsnOf, recoveryInputs } from "./recovery-inputs.ts";
import { historiesIn, savedWalDirectory, segmentsIn, type SavableFile } from "./saved-wal.ts";
import { logged, recorded } from "./signals.ts";

/** Written into the directory last: what is in it is all there was when pg_control said what its second line says. */
const completeName = "complete";

/**
 * Saves the WAL that never reached the archive, the last incomplete segment included: the newest commits are only
 * there. Finished segments also go to the archive; recovery reads both places.
 */
export const step: StepKind<Record<string, never>> = {
  name: "wal.save",
  risk: "scratch",
  // A server that a reboot started again writes more.
  volatile: true,
  parse: () => ({}),
  describe(_p, raw) {
    const inputs = recoveryInputs(raw);
    return {
      text: `save un-archived WAL of ${inputs.dataDirectory}/pg_wal to the archive and to ${inputs.savedWal}`,
      commands: [],
    };
  },
  async probe(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    const directory = await savedWalDirectory(inputs, ctx);
    if (directory === null) return "done";
    const complete = await ctx.world.files.read(`${directory}/${completeName}`);
    if (complete === null) return "absent";
    // What lies there now is restored, or nothing: the old server is out of the way.
    if (await restoreIntent(inputs, ctx)) return "done";
    const now = await standing(inputs, ctx);
    return now === null || complete === completeText(now, ctx) ? "done" : "absent";
  },
  async *run(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    const { files } = ctx.world;
    const directory = await savedWalDirectory(inputs, ctx);
    if (directory === null) return;
    const now = await standing(inputs, ctx);
    if (!(await isOwnOrNone(inputs, ctx))) {
      throw new PgrescueError("precondition-refused", `a server still runs on ${inputs.dataDirectory}`, {
        next: "Stop it first: what it writes after the copy would be lost.",
      });
    }
    await files.makeDirectory(directory);
    if ((await files.facts(`${directory}/${completeName}`)) !== null)
      yield logged(
        "the server ran again after its WAL was saved; what it committed since is saved, but not planned",
        "warn",
      );
    const archive = (await ctx.world.repository(inputs.repository)).wal(inputs.cluster, inputs.systemIdentifier);
    const from = `${inputs.dataDirectory}/pg_wal`;
    const found = [...(await historiesIn(from, ctx)), ...(await segmentsIn(from, inputs, ctx))].filter((file) =>
      isNeeded(file, inputs),
    );
    let pushed = 0;
    const kept: string[] = [];
    for (const [done, file] of found.entries()) {
      yield { signal: "progress", done, total: found.length, unit: "segments", doing: `saving ${file.name}` };
      ctx.signal.throwIfAborted();
      const copy = `${directory}/${file.name}`;
      // A copy that is there already is of an earlier moment, and is read before the archive.
      if ((await archive.has(file.name)) && (await files.facts(copy)) === null) continue;
      await files.copy(file.path, copy);
      kept.push(file.name);
      if (!file.waiting) continue;
      const refusal = await push(file, archive, ctx);
      if (refusal === null) pushed++;
      else yield logged(`${file.name} is saved, but the archive did not take it: ${refusal}`, "warn");
    }
    await files.write(`${directory}/${completeName}`, completeText(now, ctx));
    yield logged(
      kept.length === 0
        ? "the archive has everything"
        : `saved ${kept.length} files to ${directory}, ${pushed} of them also to the archive`,
    );
    yield recorded(recordedNames.savedWal, { directory, files: kept.length, pushed, last: kept.at(-1) ?? null });
  },
};

function completeText(standing: string | null, ctx: StepContext): string {
  return `${ctx.run}\n${standing ?? ""}\n`;
}

/** What changes whenever the old server has run: its state and last checkpoint; null where pg_control is not there. */
async function standing(inputs: RecoveryInputs, ctx: StepContext): Promise<string | null> {
  const { control } = await ctx.world.postgres.inspect(inputs.dataDirectory);
  return control === null ? null : `${control.state}, ${formatLsn(control.checkpointLsn)}`;
}

/** Older WAL than the backup's beginning serves nobody. */
function isNeeded(file: SavableFile, inputs: RecoveryInputs): boolean {
  const number = segmentNumberOf(file.name, inputs.segmentSize);
  return number === null || number >= segmentOf(lsnOf(inputs.replayFrom), inputs.segmentSize);
}

/** null when it is stored, otherwise why not. */
async function push(file: SavableFile, archive: WalArchive, ctx: StepContext): Promise<string | null> {
  try {
    const size = (await ctx.world.files.facts(file.path))?.size ?? 0;
    const content = await ctx.world.files.readBytes(file.path, 0, size);
    if (content !== null) await archive.store(file.name, content);
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

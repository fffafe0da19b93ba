import type { RecoveryInputs } from "../../domain/plan.ts";
import type { StepContext } from "../step.ts";
import { movesOf } from "./moves.ts";
import { setAside } from "./set-aside.ts";

/** Puts pg_wal of a restored directory back where the old one had it through a link; nothing to do where it had none. */
export async function relinkWal(inputs: RecoveryInputs, ctx: StepContext): Promise<void> {
  const { files } = ctx.world;
  const link = ((await movesOf(ctx)) ?? []).find((move) => move.what === "pg_wal");
  const path = `${inputs.dataDirectory}/pg_wal`;
  if (link === undefined || (await files.facts(path))?.kind === "link") return;
  await files.makeDirectory(`${link.from}/archive_status`);
  // A restored pg_wal holds at most the few segments that came with the backup.
  for (const name of (await files.list(path)) ?? []) {
    if ((await files.facts(`${path}/${name}`))?.kind === "file")
      await files.copy(`${path}/${name}`, `${link.from}/${name}`);
  }
  await setAside(inputs.dataDirectory, ["pg_wal"], ctx);
  await files.link(link.from, path);
}

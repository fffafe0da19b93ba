import { formatBytes } from "../../../domain/quantity.ts";
import type { Verdict } from "../../../domain/verdict.ts";
import { openPoint } from "../restore-files.ts";
import { verdict } from "../signals.ts";
import type { PreflightContext, PreflightQuestion } from "./ask.ts";

/** WAL that is fetched and kept during replay: the spool and max_wal_size in a scratch server. */
const walRoom = 1_500_000_000;

/** Whether every file system has room for what will be written to it, and a tenth more. */
export const space: PreflightQuestion = {
  check: "preflight.space",
  title: "space",
  async ask(context) {
    if (
      context.target.kind === "unfinished-restore" ||
      (context.target.kind === "cluster" && context.inputs.asideDirectory === null)
    ) {
      return [
        verdict("preflight.space", "space", "pass", "the restore has begun; what is written is not needed twice"),
      ];
    }
    const perDevice = new Map<number, { at: string; free: number; needs: number }>();
    for (const { path, needs } of await wants(context)) {
      const { free, device, at } = await context.ctx.world.files.space(path);
      const sum = perDevice.get(device);
      perDevice.set(device, { at: sum?.at ?? at, free, needs: (sum?.needs ?? 0) + needs });
    }
    return [...perDevice.values()].map(judge);
  },
};

async function wants({
  inputs,
  ctx,
}: PreflightContext): Promise<readonly { readonly path: string; readonly needs: number }[]> {
  const { point } = await openPoint(inputs, ctx);
  const spaces = point.tablespaces.map(({ oid, bytes }) => ({
    path: inputs.tablespaces[String(oid)] ?? inputs.dataDirectory,
    needs: bytes,
  }));
  const inSpaces = point.tablespaces.reduce((sum, { bytes }) => sum + bytes, 0);
  return [{ path: inputs.dataDirectory, needs: Math.max(0, inputs.bytes - inSpaces) }, ...spaces];
}

function judge({ at, free, needs }: { readonly at: string; readonly free: number; readonly needs: number }): Verdict {
  const wanted = Math.ceil(needs * 1.1);
  const evidence = `${formatBytes(free)} free at ${at}, needs ${formatBytes(needs)} + 10 %`;
  if (free < wanted)
    return verdict("preflight.space", "space", "fail", evidence, {
      mend: `Free or add ${formatBytes(wanted - free)} at ${at}, or choose another directory.`,
    });
  if (free < wanted + walRoom)
    return verdict("preflight.space", "space", "warn", `${evidence}; little is left for WAL`);
  return verdict("preflight.space", "space", "pass", evidence);
}

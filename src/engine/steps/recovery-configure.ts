import { PgrescueError } from "../../domain/errors.ts";
import type { RecoveryInputs } from "../../domain/plan.ts";
import type { StepContext, StepKind } from "../step.ts";
import { refuseEscapes } from "./confinement.ts";
import { broughtBackFiles, fencedFiles, originalAutoConf } from "./fenced-configuration.ts";
import { preloadedLibraries } from "./old-configuration.ts";
import { ownServer } from "./own-server.ts";
import { recordedNames } from "./recorded.ts";
import { isInPlace, recoveryInputs } from "./recovery-inputs.ts";
import { prepareRestoreCommand } from "./restore-command.ts";
import { startGuardName } from "./restore-files.ts";
import { generatedHeader, scratchFiles, type WantedFile } from "./scratch-configuration.ts";
import { setAside } from "./set-aside.ts";
import { logged, recorded } from "./signals.ts";
import { relinkWal } from "./wal-link.ts";

/** Files that stop a start or lead it elsewhere. */
const unwanted = ["postmaster.pid", "postmaster.opts", "recovery.done", "standby.signal", "tablespace_map.old"];

/** What the restored copy brings along and a scratch server must not read. */
const replaced = ["postgresql.conf", "pg_hba.conf", "pg_ident.conf", "postgresql.auto.conf"];

/** Writes everything that recovery reads: settings, signal file, restore_command; harmless and closed, or fenced in place. */
export const step: StepKind<Record<string, never>> = {
  name: "recovery.configure",
  risk: "scratch",
  parse: () => ({}),
  describe(_p, raw) {
    const inputs = recoveryInputs(raw);
    const target = Object.entries(inputs.settings).map(([name, value]) => `${name} = '${value}'`);
    const how = isInPlace(inputs)
      ? "fenced: nobody else can connect"
      : "muzzled: archiving, jobs, replication and network off";
    return { text: [`configure ${inputs.dataDirectory}, ${how}`, ...target].join("\n"), commands: [] };
  },
  async probe(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    if (ctx.recorded[recordedNames.preload] === undefined) return "absent";
    const guard = await ctx.world.files.facts(`${inputs.dataDirectory}/${startGuardName}`);
    if (guard !== null) return "partial";
    const wrong = await different(await wantedFiles(inputs, ctx), ctx);
    return wrong.length === 0 ? "done" : "partial";
  },
  async *run(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    const { files, postgres } = ctx.world;
    const found = await postgres.inspect(inputs.dataDirectory);
    if (found.kind !== "cluster" || found.postmaster !== null) {
      throw new PgrescueError(
        "precondition-refused",
        `${inputs.dataDirectory} is no restored cluster without a server`,
      );
    }
    await refuseEscapes(inputs, ctx);
    // What is read from the old configuration is kept before the first of its files is replaced.
    const preload = recordedPreload(ctx) ?? (await preloadedLibraries(inputs, ctx));
    yield recorded(recordedNames.preload, [...preload]);
    const aside = await setAside(inputs.dataDirectory, unwanted, ctx);
    if (aside.length > 0) yield logged(`set aside in .pgrescue-original: ${aside.join(", ")}`);
    await files.makeDirectory(ownServer(inputs, ctx).socketDirectory);
    if (isInPlace(inputs)) {
      await relinkWal(inputs, ctx);
      for (const file of await broughtBackFiles(inputs, ctx)) {
        await files.write(file.path, file.content);
        yield logged(`${file.path} comes from the backup's catalog: check it before the application returns`, "warn");
      }
      if ((await files.facts(originalAutoConf(ctx))) === null) {
        await files.write(
          originalAutoConf(ctx),
          (await files.read(`${inputs.dataDirectory}/postgresql.auto.conf`)) ?? "",
        );
      }
    } else {
      const old = [];
      for (const name of replaced) {
        const text = await files.read(`${inputs.dataDirectory}/${name}`);
        if (text !== null && !text.startsWith(generatedHeader)) old.push(name);
      }
      await setAside(inputs.dataDirectory, old, ctx);
    }
    const wanted = await wantedFiles(inputs, ctx, preload);
    for (const { path, content } of await different(wanted, ctx)) await files.write(path, content);
    // Only now may it start: fenced, and to the target.
    await setAside(inputs.dataDirectory, [startGuardName], ctx);
    yield logged(`configured: ${wanted.map(({ path }) => path).join(", ")}`);
  },
};

function recordedPreload(ctx: StepContext): readonly string[] | null {
  const value = ctx.recorded[recordedNames.preload];
  return Array.isArray(value) ? value.map(String) : null;
}

async function wantedFiles(
  inputs: RecoveryInputs,
  ctx: StepContext,
  preload = recordedPreload(ctx) ?? [],
): Promise<readonly WantedFile[]> {
  const restoreCommand = await prepareRestoreCommand(inputs, ctx);
  return isInPlace(inputs)
    ? fencedFiles(inputs, ctx, restoreCommand)
    : scratchFiles(inputs, ctx, restoreCommand, preload);
}

async function different(wanted: readonly WantedFile[], ctx: StepContext): Promise<readonly WantedFile[]> {
  const wrong: WantedFile[] = [];
  for (const file of wanted) {
    if ((await ctx.world.files.read(file.path)) !== file.content) wrong.push(file);
  }
  return wrong;
}

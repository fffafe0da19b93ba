import type { RecoveryInputs } from "../../domain/plan.ts";
import type { StepContext } from "../step.ts";
import { installationFor, ownServer } from "./own-server.ts";
import { majorOf, siteOf } from "./recovery-inputs.ts";
import { recoverySettings } from "./recovery-settings.ts";

/** First line of every configuration file that we generate. */
export const generatedHeader = "# Written by pgrescue.";

/** A file that a step brings to the wanted content; compared by its probe. */
export interface WantedFile {
  readonly path: string;
  readonly content: string;
}

/** Everybody who may enter the socket's directory (0700: the owner, and root) and nobody else. */
export const closedHba = `${generatedHeader} Only the owner of the socket's directory gets in.\nlocal all all trust\nlocal replication all trust\n`;

/** The configuration of a scratch server: all generated, nothing of the old one but what replay needs. */
export async function scratchFiles(
  inputs: RecoveryInputs,
  ctx: StepContext,
  restoreCommand: string,
  preload: readonly string[],
): Promise<readonly WantedFile[]> {
  const { postgres } = ctx.world;
  const server = ownServer(inputs, ctx);
  const missing = await postgres.missingLibraries(await installationFor(inputs, ctx), preload);
  const { sharedBuffers } = siteOf(inputs);
  const muzzle = postgres.muzzle({
    major: majorOf(inputs),
    dataDirectory: inputs.dataDirectory,
    port: server.port,
    socketDirectory: server.socketDirectory,
    name: inputs.cluster,
    sharedPreloadLibraries: preload.filter((name) => !missing.includes(name)).join(","),
    floors: inputs.floors,
    hbaFile: server.hbaFile,
    identFile: server.identFile,
    ...(sharedBuffers === undefined ? {} : { sharedBuffers }),
  });
  const recovery = recoverySettings(inputs, restoreCommand);
  const data = inputs.dataDirectory;
  return [
    {
      path: `${data}/postgresql.conf`,
      content: `${generatedHeader} This server is a copy: it must not archive, replicate, run jobs or listen.\n${postgres.formatSettings(muzzle)}`,
    },
    { path: server.hbaFile, content: closedHba },
    { path: server.identFile, content: `${generatedHeader}\n` },
    {
      path: `${data}/postgresql.auto.conf`,
      content: `${generatedHeader} Where recovery stops.\n${postgres.formatSettings(recovery)}`,
    },
    { path: `${data}/recovery.signal`, content: "" },
  ];
}

import type { Json } from "../../domain/brand.ts";
import { PgrescueError } from "../../domain/errors.ts";
import type { DumpFilesInputs } from "../../domain/plan.ts";
import type { StepKind } from "../step.ts";
import { findDump, parseDumpRestoreParameters, type DumpRestoreParameters } from "./dump-restore-parameters.ts";
import { hasRecorded } from "./recorded.ts";
import { logged, recorded } from "./signals.ts";

/** The recorded value that names the files: {directory, files}. */
const filesRecord = "files";

/** Writes a dump into a directory, for pg_restore and psql by hand. */
export const step: StepKind<DumpRestoreParameters> = {
  name: "dump.files",
  risk: "scratch",
  parse: parseDumpRestoreParameters,
  describe(_p, inputs) {
    const { point, directory, databases } = inputsOf(inputs);
    const what = databases === null ? "every database" : databases.join(", ");
    return {
      text: `write ${what} of ${point} with roles and catalogs to ${directory}, decrypted: whoever reads it reads the data`,
      commands: [],
    };
  },
  probe: (_p, ctx) => Promise.resolve(hasRecorded(ctx, filesRecord)),
  async *run(_p, ctx) {
    const { directory, databases } = inputsOf(ctx.inputs);
    let files: readonly string[] = [];
    const reader = await findDump(ctx, inputsOf(ctx.inputs));
    for await (const said of ctx.world.dumpRestores.toFiles(
      { run: ctx.run, directory, databases },
      reader,
      ctx.signal,
    )) {
      if (said.signal === "written") files = said.files;
      else yield said;
    }
    for (const name of files) yield logged(`wrote ${directory}/${name}`);
    yield recorded(filesRecord, { directory, files: [...files] });
  },
};

function inputsOf(inputs: { readonly [key: string]: Json }): DumpFilesInputs {
  if (inputs["method"] !== "dump-as-files")
    throw new PgrescueError("config", "the run does not say which dump goes into which directory");
  return inputs as unknown as DumpFilesInputs;
}

import { messageOf, PgrescueError } from "../../domain/errors.ts";
import type { DumpReader } from "../../ports/dump.ts";
import { sizeVerdict } from "../checks/backup-size.ts";
import { openDump } from "../open-point.ts";
import type { StepKind, StepSignal } from "../step.ts";
import { dumpInputs, dumpOfRun, parseDumpParameters, type DumpParameters } from "./dump-parameters.ts";
import { judged, recorded, verdict } from "./signals.ts";

/** The recorded value that says what was looked at: {id}. */
const verifiedRecord = "backup-verified";

/**
 * Reads the new dump back, every byte, and its catalogs; fails where a database that was asked for is not in it. What is in
 * the archives is known only when they are restored: `verify --restore`.
 */
export const step: StepKind<DumpParameters> = {
  name: "dump.verify",
  risk: "read",
  parse: parseDumpParameters,
  describe(_p, inputs) {
    return { text: `read every byte of the new dump in repository ${dumpInputs(inputs).repository}`, commands: [] };
  },
  async probe(_p, ctx) {
    return Promise.resolve(ctx.recorded[verifiedRecord] === undefined ? "absent" : "done");
  },
  async *run(_p, ctx) {
    const point = await dumpOfRun(ctx);
    if (point === null)
      throw new PgrescueError("verification-failed", "this run has no dump in the repository", {
        next: "Run `pgrescue backup --kind dump` again.",
      });
    const reader = await openDump(await ctx.world.repository(point.repository), point);
    yield* bytes(reader, ctx.signal);
    const others = [];
    const repository = await ctx.world.repository(point.repository);
    for await (const other of repository.points({ cluster: point.cluster })) others.push(other);
    yield judged(sizeVerdict(point, others));
    const [first] = reader.failed;
    if (first !== undefined)
      throw new PgrescueError(
        "external-failure",
        `${reader.failed.map(({ database }) => database).join(", ")} could not be dumped: ${first.error}`,
        {
          means: `The dump ${point.id} has the other databases: ${reader.databases.map(({ name }) => name).join(", ")}.`,
          next: "Mend what is said, then dump the missing ones with --database.",
        },
      );
    yield recorded(verifiedRecord, { id: point.id });
  },
};

async function* bytes(reader: DumpReader, signal: AbortSignal): AsyncGenerator<StepSignal> {
  const title = "Every stored byte is as it was written";
  let failure: string | null = null;
  try {
    for await (const progress of reader.verify(signal)) yield { signal: "progress", ...progress };
  } catch (error) {
    if (signal.aborted) throw error;
    failure = messageOf(error);
  }
  yield judged(
    verdict(
      "dump.bytes",
      title,
      failure === null ? "pass" : "fail",
      failure ?? "all objects were read and their hashes compared",
      { rung: "bytes" },
    ),
  );
  if (failure !== null)
    throw new PgrescueError("verification-failed", `${title}: ${failure}`, {
      next: "Take another dump; look at the storage first.",
    });
}

import type { Json } from "../../domain/brand.ts";
import type { DumpedDatabase } from "../../domain/dump.ts";
import { PgrescueError } from "../../domain/errors.ts";
import type { DumpTestInputs } from "../../domain/plan.ts";
import { gravest, type Verdict } from "../../domain/verdict.ts";
import type { DumpReader } from "../../ports/dump.ts";
import type { DumpRestoreRequest } from "../../ports/dump-restore.ts";
import type { ScratchServer } from "../../ports/scratch-server.ts";
import type { StepContext, StepKind, StepSignal } from "../step.ts";
import { findDump } from "./dump-restore-parameters.ts";
import { ownMarkName } from "./own-mark.ts";
import { hasRecorded, recordedNames } from "./recorded.ts";
import { judged, logged, recorded } from "./signals.ts";

const record = "dump-tested";

/**
 * Restores each database of a dump into a server made for it, and compares it with what was dumped. One that cannot be
 * restored does not keep the others from being tried. What was cut off begins anew: an empty server is quickly made.
 */
export const step: StepKind<Record<string, never>> = {
  name: "dump.test",
  risk: "scratch",
  parse: () => ({}),
  describe(_p, raw) {
    const { point, directory, databases } = testInputs(raw);
    const what = databases === null ? "every database" : databases.join(", ");
    return {
      text: `make an empty server below ${directory}, restore ${what} of ${point} into it, compare`,
      commands: [],
    };
  },
  probe: (_p, ctx) => Promise.resolve(hasRecorded(ctx, record)),
  async *run(_p, ctx) {
    const inputs = testInputs(ctx.inputs);
    const reader = await findDump(ctx, inputs);
    const databases = reader.databases.filter(({ name }) => inputs.databases?.includes(name) ?? true);
    if (databases.length === 0)
      throw new PgrescueError("no-recovery-point", `there is no such database in ${inputs.point}`);
    yield* beginAnew(inputs, ctx);
    const major = Math.floor(Math.max(reader.point.postgresVersion, reader.clientVersion ?? 0) / 10_000);
    const { bin } = await ctx.world.postgres.installation(major, inputs.binaries ?? undefined);
    yield progress("making an empty server");
    const server = await ctx.world.scratchServers.start({ directory: inputs.directory, bin });
    yield logged(`an empty PostgreSQL ${major} runs below ${inputs.directory}`);
    const verdicts: Verdict[] = [];
    for (const [at, database] of databases.entries()) {
      for await (const said of tested(server, at, database, inputs, reader, ctx)) {
        if (said.signal === "verdict") verdicts.push(said.verdict);
        yield said;
      }
    }
    const failed = verdicts.filter(({ result }) => result === "fail");
    const [first] = failed;
    if (first !== undefined || inputs.exercise.keep)
      yield recorded(recordedNames.server, { database: "postgres", connectionString: server.connection });
    if (first !== undefined)
      throw new PgrescueError(
        "verification-failed",
        `${first.title}: ${first.evidence}${failed.length > 1 ? ` (and ${failed.length - 1} more)` : ""}`,
        { next: `The server stays to be looked at: psql '${server.connection}'. ${first.mend ?? ""}`.trim() },
      );
    if (!inputs.exercise.keep) {
      yield progress("removing the server");
      await server.stop();
      await remove(inputs.directory, ctx);
    }
    yield recorded(record, gravest(verdicts));
  },
};

function testInputs(raw: { readonly [key: string]: Json }): DumpTestInputs {
  if (raw["method"] !== "dump-test") throw new PgrescueError("bug", "the run tests no dump");
  return raw as unknown as DumpTestInputs;
}

function progress(doing: string): StepSignal {
  return { signal: "progress", done: 0, total: null, unit: "checks", doing };
}

/** An empty directory with this run's mark; what an attempt before left in it is stopped and removed. */
async function* beginAnew({ directory }: DumpTestInputs, ctx: StepContext): AsyncGenerator<StepSignal> {
  const { files, postgres } = ctx.world;
  const mark = `${directory}/${ownMarkName}`;
  const names = (await files.list(directory)) ?? [];
  if (names.length > 0) {
    if ((await files.read(mark)) !== `${ctx.run}\n`)
      throw new PgrescueError("precondition-refused", `${directory} is not empty`, {
        next: "Name a directory that is empty or not there with --to.",
      });
    const dataDirectory = `${directory}/data`;
    const { postmaster, major } = await postgres.inspect(dataDirectory);
    if (postmaster !== null && major !== null) {
      const installation = await postgres.installation(major, undefined);
      await ctx.command(postgres.stopCommand({ dataDirectory, installation, mode: "immediate" }));
    }
    yield logged("what an attempt before had begun is removed");
    await remove(directory, ctx);
  }
  await files.makeDirectory(directory);
  await files.write(mark, `${ctx.run}\n`);
}

/** Everything below the directory, the mark last. */
async function remove(directory: string, { world: { files } }: StepContext): Promise<void> {
  const within = { within: directory };
  for (const name of (await files.list(directory)) ?? [])
    if (name !== ownMarkName) await files.removeOwn(`${directory}/${name}`, within);
  await files.removeOwn(`${directory}/${ownMarkName}`, within);
  await files.removeEmpty([directory]);
}

/** Restores and compares one database; what goes wrong is a verdict. */
async function* tested(
  server: ScratchServer,
  at: number,
  { name }: DumpedDatabase,
  inputs: DumpTestInputs,
  reader: DumpReader,
  ctx: StepContext,
): AsyncGenerator<StepSignal> {
  const request: DumpRestoreRequest = {
    run: ctx.run,
    point: inputs.point,
    into: server.connection,
    // Names that an empty server has already must not be in the way.
    database: `pgrescue_test_${at}`,
    sourceDatabase: name,
    schemas: [],
    tables: [],
    jobs: 1,
    staging: null,
    owners: true,
    privileges: true,
    binaries: inputs.binaries,
    swap: null,
  };
  const { dumpRestores } = ctx.world;
  const what = name === "" ? "the dump" : name;
  // The same is asked of each database: the latest answer of a check is the one that counts.
  const named = (verdict: Verdict): Verdict => ({
    ...verdict,
    check: `${verdict.check}(${name})`,
    title: `${what}: ${verdict.title}`,
  });
  try {
    const found = await dumpRestores.examine(request, reader, ctx.signal);
    for (const verdict of found) if (verdict.result !== "pass") yield judged(named(verdict));
    if (found.some(({ result }) => result === "fail")) return;
    for (const work of ["restoreRoles", "restore", "compare"] as const)
      for await (const said of dumpRestores[work](request, reader, ctx.signal))
        yield said.signal === "verdict" ? judged(named(said.verdict)) : said;
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (!(error instanceof PgrescueError) || error.code === "bug") throw error;
    const mend = error.next === "" ? {} : { mend: error.next };
    yield judged(
      named({
        check: "dump.restorable",
        title: "It can be restored",
        result: "fail",
        evidence: error.message,
        ...mend,
      }),
    );
  }
}

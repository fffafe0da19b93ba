import type { RecoveryInputs } from "../../domain/plan.ts";
import type { StepContext } from "../step.ts";
import { recoveryState, startOwnServer, stopOwnServer, withOwnSession } from "./own-server-run.ts";
import { installationFor } from "./own-server.ts";
import { verdict } from "./signals.ts";
import { verificationStep } from "./verification.ts";

const rung = "structure";
const title = "page checksums";
/** Milliseconds in which a stopped server must be back. */
const patience = 120_000;

/** pg_checksums after a clean stop, then a start. Needs a server that has ended recovery. */
export const step = verificationStep({
  name: "verify.checksums",
  describe: (inputs) => ({
    text: "stop the server, check every page's checksum, start it again",
    commands: [["pg_checksums", "--check", "-D", inputs.dataDirectory]],
  }),
  async *verify(inputs, ctx) {
    const { control } = await ctx.world.postgres.inspect(inputs.dataDirectory);
    if (control === null) {
      yield verdict("checksums", title, "unknown", "pg_control cannot be read", { rung });
      return;
    }
    if (!control.checksums) {
      yield verdict("checksums", title, "skip", "this cluster was made without data checksums", { rung });
      return;
    }
    const state = await withOwnSession(inputs, ctx, (sql) => recoveryState(sql, inputs)).catch(() => null);
    if (state === "paused" || state === "replaying") {
      yield verdict("checksums", title, "skip", "the server is paused in the past; pg_checksums needs a clean stop", {
        rung,
      });
      return;
    }
    if (state !== null) await stopOwnServer(inputs, ctx);
    yield { signal: "progress", done: 0, total: null, unit: "checks", doing: "checking pages" };
    const { bin } = await installationFor(inputs, ctx);
    const result = await ctx.command([`${bin}/pg_checksums`, "--check", "--pgdata", inputs.dataDirectory], {
      mayFail: true,
      signal: ctx.signal,
    });
    await startOwnServer(inputs, ctx);
    await waitForIt(inputs, ctx);
    const bad = /Bad checksums:\s+(\d+)/.exec(result.stdout)?.[1];
    const blocks = /Blocks scanned:\s+(\d+)/.exec(result.stdout)?.[1];
    if (result.exit === 0) yield verdict("checksums", title, "pass", `${blocks ?? "all"} pages, no failure`, { rung });
    else if (bad !== undefined && bad !== "0") {
      yield verdict("checksums", title, "fail", `${bad} pages of ${blocks}: ${result.stderr.trim().split("\n")[0]}`, {
        rung,
        mend: "Recover from an older backup with all WAL: full-page images rewrite damaged pages.",
      });
    } else
      yield verdict("checksums", title, "unknown", result.stderr.trim().split("\n")[0] ?? `exit ${result.exit}`, {
        rung,
      });
  },
});

async function waitForIt(inputs: RecoveryInputs, ctx: StepContext): Promise<void> {
  const { clock } = ctx.world;
  const deadline = clock.monotonic() + patience;
  for (;;) {
    try {
      await withOwnSession(inputs, ctx, (sql) => sql.query("select 1"));
      return;
    } catch (error) {
      if (clock.monotonic() > deadline) throw error;
    }
    await clock.sleep(200, ctx.signal);
  }
}

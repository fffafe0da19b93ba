import type { RecoveryInputs } from "../../domain/plan.ts";
import type { StepContext } from "../step.ts";
import { recoveryState, withOwnSession } from "./own-server-run.ts";
import { installationFor, ownConnection, ownServer } from "./own-server.ts";
import { isInPlace, majorOf } from "./recovery-inputs.ts";
import { logged, verdict } from "./signals.ts";
import { databasesOf, lockPatience, verificationStep } from "./verification.ts";

const check = "amcheck";
const title = "tables and indexes (amcheck)";
const rung = "structure";

/**
 * pg_amcheck in the databases that have the extension. It is installed only into a scratch server that takes writes:
 * never into production, and not while paused. What could not be checked is a SKIP, never a pass.
 */
export const step = verificationStep({
  name: "verify.amcheck",
  describe: () => ({ text: "check tables and indexes with pg_amcheck", commands: [["pg_amcheck", "--all"]] }),
  async *verify(inputs, ctx) {
    if (majorOf(inputs) < 14) {
      yield verdict(check, title, "skip", "pg_amcheck came with PostgreSQL 14", { rung });
      return;
    }
    const databases = await databasesOf(inputs, ctx);
    const mayInstall =
      !isInPlace(inputs) && (await withOwnSession(inputs, ctx, (sql) => recoveryState(sql, inputs))) === "promoted";
    const able = mayInstall ? databases : await withExtension(databases, inputs, ctx);
    if (able.length === 0) {
      const why = isInPlace(inputs)
        ? "it is not installed into production by us"
        : "the server is paused, so it cannot be installed";
      yield verdict(check, title, "skip", `no database has the amcheck extension, and ${why}`, { rung });
      return;
    }
    yield { signal: "progress", done: 0, total: null, unit: "checks", doing: `checking ${able.join(", ")}` };
    const { host, port, user } = ownConnection(inputs, ownServer(inputs, ctx));
    const { bin } = await installationFor(inputs, ctx);
    const argv = [
      `${bin}/pg_amcheck`,
      "--host",
      host,
      "--port",
      String(port),
      "--username",
      user,
      "--no-password",
      "--no-strict-names",
      ...(mayInstall ? ["--install-missing"] : []),
      ...able.flatMap((name) => ["--database", `"${name.replaceAll('"', '""')}"`]),
    ];
    const env = { PGOPTIONS: `-c lock_timeout=${lockPatience}` };
    const result = await ctx.command(argv, { mayFail: true, signal: ctx.signal, env });
    const lines = `${result.stdout}\n${result.stderr}`.split("\n").filter((line) => line.trim() !== "");
    for (const line of lines.slice(0, 20)) yield logged(line, "warn");
    const left = databases.filter((name) => !able.includes(name));
    if (result.exit === 0) {
      yield verdict(check, title, "pass", `no damage in ${able.join(", ")}`, { rung });
      if (left.length > 0)
        yield verdict(`${check}.rest`, title, "skip", `${left.join(", ")} have no amcheck extension`, { rung });
      return;
    }
    // Exit 2: damage was found. Anything else: it could not look.
    yield result.exit === 2
      ? verdict(check, title, "fail", lines[0] ?? "damage was found", {
          rung,
          mend: "Only indexes: rebuild them with REINDEX. Tables: recover from an older backup with all WAL.",
        })
      : verdict(check, title, "unknown", lines[0] ?? `pg_amcheck exited with ${result.exit}`, { rung });
  },
});

async function withExtension(
  databases: readonly string[],
  inputs: RecoveryInputs,
  ctx: StepContext,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of databases) {
    const rows = await withOwnSession(
      inputs,
      ctx,
      (sql) => sql.query("select 1 from pg_extension where extname = 'amcheck'"),
      name,
    );
    if (rows.length > 0) found.push(name);
  }
  return found;
}

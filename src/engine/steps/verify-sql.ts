import { messageOf } from "../../domain/errors.ts";
import type { RecoveryInputs, SiteInputs } from "../../domain/plan.ts";
import type { Verdict } from "../../domain/verdict.ts";
import type { StepContext } from "../step.ts";
import { siteOf } from "./recovery-inputs.ts";
import { verdict } from "./signals.ts";
import { verificationStep, withReadingSession } from "./verification.ts";

const rung = "sense";

/** The checks of the configuration: each a query whose first value must be true. Read-only, at most ten minutes each. */
export const step = verificationStep({
  name: "verify.sql",
  describe(inputs) {
    const checks = siteOf(inputs).checks ?? [];
    return {
      text: checks.length === 0 ? "no SQL checks are configured" : checks.map((c) => `${c.name}: ${c.sql}`).join("\n"),
      commands: [],
    };
  },
  async *verify(inputs, ctx) {
    const checks = siteOf(inputs).checks ?? [];
    if (checks.length === 0)
      yield verdict("sql", "your SQL checks", "skip", "none are configured (checks: in pgrescue.yaml)", { rung });
    for (const [done, check] of checks.entries()) {
      yield { signal: "progress", done, total: checks.length, unit: "checks", doing: check.name };
      yield await ask(check, inputs, ctx);
    }
  },
});

async function ask(
  check: NonNullable<SiteInputs["checks"]>[number],
  inputs: RecoveryInputs,
  ctx: StepContext,
): Promise<Verdict> {
  const id = `sql.${check.name}`;
  try {
    const rows = await withReadingSession(
      inputs,
      ctx,
      async (sql) => {
        await sql.query("set statement_timeout = '10min'");
        return sql.query(check.sql);
      },
      check.database,
    );
    const value = rows[0] === undefined ? undefined : Object.values(rows[0])[0];
    if (value === true || value === "t" || value === "true")
      return verdict(id, check.name, "pass", check.sql, { rung });
    return verdict(id, check.name, "fail", `${check.sql}: ${rows.length === 0 ? "no row" : String(value)}`, {
      rung,
      mend: "The data is not what the check expects at this moment: choose another target, or mend the check.",
    });
  } catch (error) {
    ctx.signal.throwIfAborted();
    return verdict(id, check.name, "unknown", messageOf(error), { rung });
  }
}

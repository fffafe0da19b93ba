import { formatInstant } from "../../domain/instant.ts";
import { PgrescueError } from "../../domain/errors.ts";
import type { Verdict } from "../../domain/verdict.ts";
import type { StepKind } from "../step.ts";
import { answersTo, type PreflightQuestion } from "./preflight/ask.ts";
import { directory } from "./preflight/directory.ts";
import { point } from "./preflight/point.ts";
import { programs } from "./preflight/programs.ts";
import { server } from "./preflight/server.ts";
import { space } from "./preflight/space.ts";
import { tablespaces } from "./preflight/tablespaces.ts";
import { wal } from "./preflight/wal.ts";
import { hasRecorded, recordedNames } from "./recorded.ts";
import { recoveryInputs } from "./recovery-inputs.ts";
import { judged, recorded } from "./signals.ts";

const questions: readonly PreflightQuestion[] = [point, wal, directory, space, programs, tablespaces, server];

/** Asks everything again right before the first write; a `fail` or `unknown` refuses with what mends it. */
export const step: StepKind<Record<string, never>> = {
  name: "recovery.preflight",
  risk: "read",
  parse: () => ({}),
  describe(_p, raw) {
    const inputs = recoveryInputs(raw);
    return {
      text: `check point, WAL, space, programs, tablespaces and ${inputs.dataDirectory}; nothing is changed`,
      commands: [],
    };
  },
  async probe(_p, ctx) {
    return hasRecorded(ctx, recordedNames.preflight);
  },
  async *run(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    const target = await ctx.world.postgres.inspect(inputs.dataDirectory);
    const bad: Verdict[] = [];
    for (const [done, question] of questions.entries()) {
      yield { signal: "progress", done, total: questions.length, unit: "checks", doing: question.title };
      for (const answer of await answersTo(question, { inputs, ctx, target })) {
        yield judged(answer);
        if (answer.result === "fail" || answer.result === "unknown") bad.push(answer);
      }
    }
    const [first] = bad;
    if (first !== undefined) {
      const more = bad.length > 1 ? ` (and ${bad.length - 1} more)` : "";
      throw new PgrescueError(
        "precondition-refused",
        `${first.title}: ${first.evidence}${more}`,
        first.mend === undefined ? {} : { next: first.mend },
      );
    }
    yield recorded(recordedNames.preflight, { at: formatInstant(ctx.world.clock.now()) });
  },
};

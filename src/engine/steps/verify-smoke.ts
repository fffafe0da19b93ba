import { ownConnection, ownServer } from "./own-server.ts";
import { siteOf } from "./recovery-inputs.ts";
import { verdict } from "./signals.ts";
import { verificationStep } from "./verification.ts";

const rung = "behaviour";
const title = "your smoke command";
/** Milliseconds that the command may take. */
const patience = 600_000;

/** Runs the configured command against the recovered server: it finds it in PGHOST, PGPORT, PGUSER, PGDATABASE. */
export const step = verificationStep({
  name: "verify.smoke",
  describe(inputs) {
    const { smoke } = siteOf(inputs);
    return {
      text: smoke === undefined ? "no smoke command is configured" : "run the smoke command",
      commands: smoke === undefined ? [] : [smoke],
    };
  },
  async *verify(inputs, ctx) {
    const { smoke } = siteOf(inputs);
    if (smoke === undefined) {
      yield verdict("smoke", title, "skip", "none is configured (smoke: in pgrescue.yaml)", { rung });
      return;
    }
    const { host, port, user, database } = ownConnection(inputs, ownServer(inputs, ctx));
    const env = { PGHOST: host, PGPORT: String(port), PGUSER: user, PGDATABASE: database };
    const result = await ctx.command(smoke, { env, mayFail: true, signal: ctx.signal, timeout: patience });
    const evidence = `${smoke.join(" ")} ${result.exit === null ? "did not finish" : `exited with ${result.exit}`}`;
    yield result.exit === 0
      ? verdict("smoke", title, "pass", evidence, { rung })
      : verdict("smoke", title, "fail", evidence, { rung, mend: "Read the command's output in the journal." });
  },
});

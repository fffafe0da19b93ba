import type { Verdict } from "../../../domain/verdict.ts";
import { findManager } from "../manager.ts";
import { isInPlace } from "../recovery-inputs.ts";
import { ownServer } from "../own-server.ts";
import { leftoverSettings } from "../leftovers.ts";
import { verdict } from "../signals.ts";
import type { PreflightContext, PreflightQuestion } from "./ask.ts";

/** Whether a server runs where none may, who manages the one that is to be stopped, and what earlier recoveries left behind. */
export const server: PreflightQuestion = {
  check: "preflight.server",
  title: "server on the target directory",
  async ask(context) {
    return [...(await running(context)), ...(await leftovers(context)), ...(await port(context))];
  },
};

async function running({ inputs, ctx, target }: PreflightContext): Promise<readonly Verdict[]> {
  const say = (result: Verdict["result"], evidence: string, mend?: string): Verdict =>
    verdict("preflight.server", server.title, result, evidence, mend === undefined ? {} : { mend });
  const own = ownServer(inputs, ctx);
  const { postmaster } = target;
  if (postmaster !== null && postmaster.socketDirectory === own.socketDirectory) {
    return [say("pass", "this run's own server is up")];
  }
  if (!isInPlace(inputs)) {
    const evidence = `a server runs on ${target.path}, pid ${postmaster?.pid}`;
    return postmaster === null ? [] : [say("fail", evidence, "Choose another directory.")];
  }
  const manager = await findManager(inputs, ctx, target);
  if (manager.kind === "refused") return [say("fail", manager.message, manager.next)];
  const state = postmaster === null ? "no server runs" : `a server runs, pid ${postmaster.pid}, and will be stopped`;
  return [say("pass", `${state}; managed by ${manager.control.kind}: ${manager.because}`)];
}

async function leftovers({ inputs, ctx, target }: PreflightContext): Promise<readonly Verdict[]> {
  const title = "leftovers of earlier recoveries";
  const outside = (await leftoverSettings(inputs, ctx)).filter(
    ({ file }) => !file.startsWith(`${inputs.dataDirectory}/`),
  );
  const found: Verdict[] = [];
  if (isInPlace(inputs) && outside.length > 0) {
    const where = outside.map(({ name, file, line }) => `${name} in ${file}:${line}`).join(", ");
    found.push(
      verdict("preflight.leftovers", title, "fail", where, {
        mend: "Take these lines out of the file: PostgreSQL refuses two recovery targets.",
      }),
    );
  }
  if (target.hasRecoveryConf)
    found.push(
      verdict(
        "preflight.leftovers",
        title,
        "warn",
        `${target.path}/recovery.conf stops PostgreSQL 12 and later; it is moved aside with the directory`,
      ),
    );
  if (target.stalePidFile)
    found.push(
      verdict(
        "preflight.leftovers",
        title,
        "warn",
        "postmaster.pid is left of a server that is gone; it was not stopped cleanly",
      ),
    );
  return found;
}

async function port({ inputs, ctx, target }: PreflightContext): Promise<readonly Verdict[]> {
  if (isInPlace(inputs) || target.postmaster !== null) return [];
  const socket = `${ownServer(inputs, ctx).socketDirectory}/.s.PGSQL.${inputs.port}.lock`;
  const taken = (await ctx.world.files.facts(socket)) !== null || (await listening(inputs.port, ctx));
  const title = `port ${inputs.port}`;
  return [
    taken
      ? verdict("preflight.port", title, "fail", "something listens on it already", {
          mend: "Give another port with `--port`.",
        })
      : verdict("preflight.port", title, "pass", "free"),
  ];
}

/** By the kernel's table of listening TCP sockets: connecting would leave a line in somebody's log. */
async function listening(port: number, ctx: PreflightContext["ctx"]): Promise<boolean> {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    const text = (await ctx.world.files.read(table)) ?? "";
    if (text.split("\n").some((line) => new RegExp(`^\\s*\\d+: [0-9A-F]+:${hex} [0-9A-F]+:0000 0A `).test(line)))
      return true;
  }
  return false;
}

import { PgrescueError } from "../../domain/errors.ts";
import { formatInstant, shortInstant } from "../../domain/instant.ts";
import { formatLsn } from "../../domain/lsn.ts";
import type { RecoveryInputs } from "../../domain/plan.ts";
import type { RecoveryStatus } from "../../ports/postgres.ts";
import type { StepContext, StepKind, StepSignal } from "../step.ts";
import { ownServerRuns, recoveryState, startOwnServer, stopOwnServer, withOwnSession } from "./own-server-run.ts";
import { isFenced } from "./fenced-configuration.ts";
import { promotion } from "./promotion.ts";
import { isOwnOrNone } from "./production.ts";
import { ownConnection, ownServer } from "./own-server.ts";
import { hasRecorded, recordedNames } from "./recorded.ts";
import { isInPlace, lsnOf, recoveryInputs, siteOf } from "./recovery-inputs.ts";
import { prepareRestoreCommand } from "./restore-command.ts";
import { savedWalDirectory } from "./saved-wal.ts";
import { judged, logged, recorded } from "./signals.ts";
import { judgeStop } from "./stop-point.ts";

/** Starts the server and follows it to the real end of recovery: stopped at the target or promoted, never just "accepting connections". */
export const step: StepKind<Record<string, never>> = {
  name: "recovery.replay",
  risk: "scratch",
  volatile: true,
  pausable: true,
  parse: () => ({}),
  describe(_p, raw) {
    const inputs = recoveryInputs(raw);
    const end = inputs.replayUntil ?? "the end of WAL";
    return {
      text: `start ${inputs.dataDirectory} and replay WAL from ${inputs.replayFrom} to ${end}`,
      commands: [["pg_ctl", "start", "-W", "-D", inputs.dataDirectory]],
    };
  },
  async probe(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    if (await isTakenBack(ctx)) return "absent";
    if (await isOver(inputs, ctx)) return "done";
    const isUp = await ownServerRuns(inputs, ctx);
    if (hasRecorded(ctx, recordedNames.stopped) === "absent") return isUp ? "partial" : "absent";
    if (!isUp) return "absent";
    if (ctx.recorded[recordedNames.judged] === "fail") return "partial";
    // A server that does not answer yet is on its way.
    const state = await withOwnSession(inputs, ctx, (sql) => recoveryState(sql, inputs)).catch(() => "replaying");
    return state === "replaying" ? "partial" : "done";
  },
  async *run(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    const isUp = await ownServerRuns(inputs, ctx);
    // WAL that is saved in the run's directory moves with it.
    if (!isUp && (await savedWalDirectory(inputs, ctx))?.startsWith(`${ctx.directory}/`) === true)
      await prepareRestoreCommand(inputs, ctx);
    const offset = isUp ? null : await startOwnServer(inputs, ctx);
    const end = yield* follow(inputs, ctx, offset);
    const server = ownServer(inputs, ctx);
    const { host, port, user, database } = ownConnection(inputs, server);
    yield recorded(recordedNames.server, {
      host,
      port,
      user,
      database,
      dataDirectory: inputs.dataDirectory,
      connectionString: `host=${host} port=${port} user=${user} dbname=${database}`,
    });
    const isNew = end.state === "promoted" && ctx.recorded[recordedNames.promoted] === undefined;
    // A server that was promoted and started again tells no more where its recovery ended, or where the recovery from a
    // crash after that did; it was judged then.
    const isJudged = end.state === "promoted" && wasJudged(ctx);
    if (!isJudged) yield stopped(end);
    if (isNew) yield await promotion(inputs, ctx);
    if (isJudged) return;
    const answer = judgeStop(inputs, end.replayLsn, end.state === "promoted");
    yield judged(answer);
    yield recorded(recordedNames.judged, answer.result);
    if (answer.result === "fail") {
      throw new PgrescueError(
        "verification-failed",
        `recovery stopped at another place than planned: ${answer.evidence}`,
      );
    }
  },
  async *undo(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    if (!(await isOver(inputs, ctx))) await stopOwnServer(inputs, ctx);
    await ctx.world.files.write(takenBackFile(ctx), "");
    yield logged(`the server of this run on ${inputs.dataDirectory} is stopped`);
  },
};

function stopped(end: RecoveryStatus): StepSignal {
  return recorded(recordedNames.stopped, {
    state: end.state,
    lsn: end.replayLsn === null ? null : formatLsn(end.replayLsn),
    commitAt: end.lastCommitAt === null ? null : formatInstant(end.lastCommitAt),
  });
}

function wasJudged(ctx: StepContext): boolean {
  const answer = ctx.recorded[recordedNames.judged];
  return answer !== undefined && answer !== "fail";
}

function takenBackFile(ctx: StepContext): string {
  return `${ctx.directory}/replay-taken-back`;
}

async function isTakenBack(ctx: StepContext): Promise<boolean> {
  return (await ctx.world.files.facts(takenBackFile(ctx))) !== null;
}

/** In place the fenced server gives way to production's own, once its fence is gone from the configuration. */
async function isOver(inputs: RecoveryInputs, ctx: StepContext): Promise<boolean> {
  if (!isInPlace(inputs) || ctx.recorded[recordedNames.promoted] === undefined) return false;
  if (await isOwnOrNone(inputs, ctx)) return !(await ownServerRuns(inputs, ctx)) && !(await isFenced(inputs, ctx));
  return true;
}

/** Follows to the end; throws `external-failure` with what the log says when it is no end to be glad of. */
async function* follow(
  inputs: RecoveryInputs,
  ctx: StepContext,
  offset: number | null,
): AsyncGenerator<StepSignal, RecoveryStatus> {
  const server = ownServer(inputs, ctx);
  const statuses = ctx.world.postgres.followRecovery({
    dataDirectory: inputs.dataDirectory,
    logFile: server.logFile,
    ...(offset === null ? {} : { logOffset: offset }),
    connection: { ...ownConnection(inputs, server), database: siteOf(inputs).database ?? "postgres" },
    signal: ctx.signal,
  });
  for await (const status of statuses) {
    for (const message of status.messages) {
      if (message.kind === "restored") continue;
      yield logged(message.text, message.mend === undefined ? "info" : "warn");
    }
    if (status.state === "paused" || status.state === "promoted") return status;
    if (status.state === "failed" || status.state === "shut-down") {
      const what = status.failure?.message ?? "the server shut down before it reached the target";
      throw new PgrescueError("external-failure", what, {
        means: "Recovery did not reach the target and nothing was promoted; the restored files are kept.",
        ...(status.failure === null ? {} : { next: status.failure.next }),
      });
    }
    yield progressOf(inputs, status);
  }
  throw new PgrescueError("bug", "following the recovery ended without an end");
}

function progressOf(inputs: RecoveryInputs, status: RecoveryStatus): StepSignal {
  const from = lsnOf(inputs.replayFrom);
  const until = inputs.replayUntil === null ? null : lsnOf(inputs.replayUntil);
  const at = status.replayLsn === null || status.replayLsn < from ? from : status.replayLsn;
  const time = status.lastCommitAt === null ? {} : { time: formatInstant(status.lastCommitAt) };
  const where = status.lastCommitAt === null ? "" : `, at ${shortInstant(status.lastCommitAt)} UTC`;
  return {
    signal: "progress",
    done: Number(at - from),
    total: until === null ? null : Number(until - from),
    unit: "bytes",
    doing: status.state === "starting" ? "starting the server" : `replaying WAL${where}`,
    ...(status.replayLsn === null ? {} : { lsn: formatLsn(status.replayLsn) }),
    ...time,
  };
}

import { parseInstant, shortInstant } from "../domain/instant.ts";
import { parseLsn } from "../domain/lsn.ts";
import { methods } from "../domain/methods/registry.ts";
import type { RecoveryInputs, TargetInputs } from "../domain/plan.ts";
import { formatBytes } from "../domain/quantity.ts";
import type { RecoveryPlan } from "../engine/planning/plan-recovery.ts";

/** What a plan comes to, for people: what is kept and lost, from where to where. The steps follow. */
export function planHead({ inputs, point, estimate }: RecoveryPlan): readonly string[] {
  const { target } = inputs;
  const row = (label: string, text: string): string => `  ${label.padEnd(12)}${text}`;
  const [from, until] = [
    parseLsn(inputs.replayFrom),
    inputs.replayUntil === null ? null : parseLsn(inputs.replayUntil),
  ];
  const bytes = from === null || until === null ? null : Number(until - from);
  return [
    `${methods[inputs.method].title} of ${inputs.cluster}: ${titleOf(target)}`,
    "",
    row("keeps", commitText(target.lastCommit, "the backup as it is, no later commit")),
    ...(target.firstLost === null ? [] : [row("loses first", commitText(target.firstLost, ""))]),
    row(
      "loses",
      target.lostCommits === null
        ? "an unknown number of commits (too much WAL to count)"
        : target.lostCommits === 0
          ? "nothing"
          : `${target.lostCommits} commits${inputs.asideDirectory === null ? " that production keeps" : ""}`,
    ),
    row("backup", `${point.id} in ${inputs.repository}, ended ${shortInstant(point.finishedAt)} UTC`),
    row("timeline", String(target.timeline)),
    row(
      "replays",
      `${inputs.replayFrom} to ${inputs.replayUntil ?? "the end"}${bytes === null ? "" : `, ${formatBytes(Math.max(0, bytes))}`}`,
    ),
    row("into", `${inputs.dataDirectory}, port ${inputs.port}`),
    ...Object.entries(inputs.tablespaces).map(([oid, to]) => row("", `tablespace ${oid} in ${to}`)),
    ...(inputs.asideDirectory === null ? [] : [row("moves aside", inputs.asideDirectory)]),
    row("writes", formatBytes(estimate.bytesToWrite)),
    ...(stopsOtherwise(inputs) ? [row("stops", stopText(inputs))] : []),
    row("then", thenText(inputs)),
    "",
    ...Object.entries(inputs.settings).map(([name, value]) => `  ${name} = '${value}'`),
    "",
    ...inputs.warnings.map((warning) => `[WARN] ${warning}`),
    ...(inputs.warnings.length === 0 ? [] : [""]),
  ].map((line) => line.replaceAll(/\p{Cc}/gu, "?"));
}

/** Whether PostgreSQL is told another thing than the time or transaction that was asked for. */
export function stopsOtherwise({ target, settings }: RecoveryInputs): boolean {
  if (target.kind === "time") return settings["recovery_target_time"] === undefined;
  return target.kind === "xid" && settings["recovery_target_xid"] === undefined;
}

/** Where it stops instead, and why. */
export function stopText({ settings }: RecoveryInputs): string {
  const at = settings["recovery_target_lsn"];
  return at === undefined
    ? "at the end of the backup: nothing was committed in between"
    : `by position ${at}, right after what is kept: nothing that began later holds locks`;
}

function thenText({ targetAction, settings }: RecoveryInputs): string {
  if (targetAction === "pause") return "pauses there, to be looked at";
  return settings["recovery_target_action"] === "pause" ? "pauses there, is checked, then promotes" : "promotes";
}

function titleOf(target: TargetInputs): string {
  const before = target.inclusive ? "" : "just before ";
  switch (target.kind) {
    case "latest":
      return "everything there is";
    case "immediate":
      return "the end of the backup";
    case "name":
      return `restore point ${target.value}`;
    default:
      return `${before}${target.kind} ${target.value}`;
  }
}

function commitText(commit: TargetInputs["lastCommit"], none: string): string {
  if (commit === null) return none;
  const at = parseInstant(commit.at);
  return `xid ${commit.xid}, ${at === null ? commit.at : `${shortInstant(at)} UTC`}, ${commit.lsn}`;
}

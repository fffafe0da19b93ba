import type { Json } from "../domain/brand.ts";
import { formatInstant, shortInstant } from "../domain/instant.ts";
import type { ExpiryInputs } from "../domain/plan.ts";
import { formatBytes } from "../domain/quantity.ts";
import { segmentName } from "../domain/segment.ts";
import type { RepositoryJudgement, SystemJudgement } from "../engine/retention/judge-repository.ts";

/** What another policy than the one last applied means for the points of a repository. */
export interface PolicyChange {
  readonly repository: string;
  readonly before: Json;
  /** Points that the earlier policy keeps and this one removes. */
  readonly condemned: readonly string[];
  /** Points that the earlier policy removes and this one keeps. */
  readonly spared: readonly string[];
}

/** What stays, what goes and why, for people, within 80 columns where names allow. */
export function expiryLines(
  inputs: ExpiryInputs,
  judgements: readonly RepositoryJudgement[],
  changes: readonly PolicyChange[],
): readonly string[] {
  const lines = judgements.flatMap((judgement, at) =>
    judgement.systems.flatMap((system) => [
      `${system.cluster} in ${judgement.repository}, ${system.systemIdentifier === "" ? "dumps" : `system ${system.systemIdentifier}`}, by policy ${inputs.policies[at]?.name}`,
      "",
      ...pointLines(system),
      ...walLines(system),
      "",
    ]),
  );
  if (lines.length === 0) lines.push("Nothing is here that could expire.", "");
  for (const { repository, condemned, spared } of changes) {
    lines.push(`The policy of ${repository} has changed since it was last applied.`);
    if (condemned.length > 0) lines.push(`  kept before, removed now: ${condemned.join(", ")}`);
    if (spared.length > 0) lines.push(`  removed before, kept now: ${spared.join(", ")}`);
  }
  const doomed = judgements.flatMap((j) => j.systems).flatMap((s) => s.points.filter((d) => d.action === "delete"));
  const bytes = doomed.reduce((sum, d) => sum + d.point.storedBytes, 0);
  const segments = judgements.flatMap((j) => j.systems).reduce((sum, s) => sum + segmentsGoing(s), 0);
  lines.push(
    doomed.length === 0 && segments === 0
      ? "Nothing would be removed."
      : `${count(doomed.length, "point")} (${formatBytes(bytes)}) and ${count(segments, "segment")} of WAL would be removed.`,
    ...(doomed.length === 0 && segments === 0 ? [] : ["Nothing was changed; do it with --apply."]),
  );
  return lines;
}

function pointLines(system: SystemJudgement): string[] {
  const width = Math.max(5, ...system.points.map((d) => d.point.id.length));
  return system.points.flatMap(({ point, action, reason }) => [
    `  ${action.padEnd(6)}  ${point.id.padEnd(width)}  ${point.kind.slice(0, 4)}  ${shortInstant(point.finishedAt)}  ${formatBytes(point.storedBytes).padStart(7)}`,
    `          ${reason}`,
  ]);
}

function walLines(system: SystemJudgement): string[] {
  return system.wal.flatMap((w) => {
    const names = [w.from, w.until].map((n) => segmentName(w.timeline, n, system.segmentSize));
    return [`  ${w.action.padEnd(6)}  WAL ${names[0]} to ${names[1]}`, `          ${w.reason}`];
  });
}

function segmentsGoing(system: SystemJudgement): number {
  return system.wal.filter((w) => w.action === "delete").reduce((sum, w) => sum + Number(w.until - w.from) + 1, 0);
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

/** The same as pgrescue.expire/v1. */
export function expiryDocument(
  inputs: ExpiryInputs,
  judgements: readonly RepositoryJudgement[],
  changes: readonly PolicyChange[],
): Json {
  return {
    schema: "pgrescue.expire/v1",
    cluster: inputs.cluster,
    repositories: judgements.map((judgement, at) => ({
      repository: judgement.repository,
      policy: inputs.policies[at]?.name ?? null,
      holds: judgement.holds.map((hold) => ({
        ...hold,
        since: formatInstant(hold.since),
        until: hold.until === null ? null : formatInstant(hold.until),
      })),
      points: judgement.systems.flatMap((s) =>
        s.points.map(({ point, action, rule, reason }) => ({
          id: point.id,
          kind: point.kind,
          systemIdentifier: point.systemIdentifier,
          finishedAt: formatInstant(point.finishedAt),
          storedBytes: point.storedBytes,
          action,
          rule,
          reason,
        })),
      ),
      wal: judgement.systems.flatMap((s) =>
        s.wal.map((w) => ({
          systemIdentifier: s.systemIdentifier,
          timeline: w.timeline,
          fromSegment: segmentName(w.timeline, w.from, s.segmentSize),
          toSegment: segmentName(w.timeline, w.until, s.segmentSize),
          action: w.action,
          reason: w.reason,
        })),
      ),
    })),
    policyChanges: changes.map(({ repository, condemned, spared }) => ({ repository, condemned, spared })),
  };
}

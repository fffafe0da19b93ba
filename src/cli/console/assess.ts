import { gravest, type Verdict } from "../../domain/verdict.ts";
import { askChecks, type CheckContext } from "../../engine/check.ts";
import { assessChecks, loadChecks } from "../../engine/checks/registry.ts";
import type { AssessEvent, ConclusionView } from "../../faces/console-views.ts";

/** Asks the assessment's checks one by one and says what they come to. Nothing is changed. */
export async function* assess(context: CheckContext, signal: AbortSignal): AsyncGenerator<AssessEvent> {
  const checks = await loadChecks(assessChecks);
  yield { kind: "total", checks: checks.length };
  const verdicts: Verdict[] = [];
  for (const check of checks) {
    signal.throwIfAborted();
    yield { kind: "asking", title: check.title };
    for await (const verdict of askChecks([check], context)) {
      verdicts.push(verdict);
      if (verdict.check !== "must-not") yield { kind: "verdict", verdict };
    }
  }
  yield { kind: "conclusion", conclusion: conclude(verdicts) };
}

/** What the verdicts come to, and the one next step. */
function conclude(verdicts: readonly Verdict[]): ConclusionView {
  const of = (id: string): readonly Verdict[] => verdicts.filter((v) => v.check === id || v.check.startsWith(`${id}:`));
  const isBad = (id: string): boolean => of(id).some((v) => v.result === "fail");
  const dont = of("must-not")[0]?.data;
  const doNot = Array.isArray(dont) ? dont.map(String) : [];
  const why = verdicts
    .filter((v) => v.result !== "pass" && v.check !== "must-not")
    .map((v) => `${v.title}: ${v.evidence}${v.mend === undefined ? "" : ` ${v.mend}`}`);
  const archiveIsStuck = isBad("archiver") || isBad("archiver-queue");
  if (isBad("right-host"))
    return {
      likely: "THIS IS NOT THE HOST OF THE BACKUPS",
      confidence: "high",
      doNot,
      next: "compare the system identifiers before anything else",
      why,
    };
  if (isBad("server")) {
    return archiveIsStuck && isBad("space")
      ? {
          likely: "ARCHIVE STALLED → DISK FULL → SERVER DOWN",
          confidence: "medium",
          notNeeded: "a restore, as long as the files are sound: make room, let the archive drain, start",
          doNot,
          next: "make room without touching pg_wal, then start the server",
          why,
        }
      : {
          likely: "THE SERVER IS DOWN",
          confidence: "medium",
          doNot,
          next: "read its log; where the files are gone, choose a point and recover (Enter)",
          why,
        };
  }
  if (archiveIsStuck)
    return {
      likely: "THE ARCHIVE IS STALLED",
      confidence: "high",
      notNeeded: "a restore: the server is up and has its data",
      doNot,
      next: "mend the archive_command; until then the newest moments are only on this host",
      why,
    };
  if (isBad("repositories") || isBad("newest-backup"))
    return {
      likely: "THE BACKUPS NEED CARE",
      confidence: "high",
      doNot,
      next: "mend the repository or take a backup before anything else",
      why,
    };
  return {
    likely: gravest(verdicts) === "pass" ? "THE SERVER IS HEALTHY" : "THE SERVER IS UP",
    confidence: gravest(verdicts) === "pass" ? "high" : "medium",
    notNeeded: "a recovery of the whole server, unless its data are wrong",
    doNot,
    next: "if data were deleted or changed, choose the moment before it (Enter)",
    why,
  };
}

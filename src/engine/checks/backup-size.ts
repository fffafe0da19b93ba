import { formatBytes } from "../../domain/quantity.ts";
import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import { judgeSize } from "../../domain/usual-size.ts";
import type { Verdict } from "../../domain/verdict.ts";
import type { Answer, Check } from "../check.ts";

const title = "The newest backups are as large as usual";

/** Whether the newest backup of each kind holds about what the ones before it held. */
export const check: Check = {
  id: "backup-size",
  title,
  ask: async ({ survey }) => {
    if (survey === null) return Promise.resolve({ result: "unknown", evidence: "no repository could be read" });
    const newest = new Map<string, RecoveryPoint>();
    for (const point of survey.points) {
      if (point.status !== "ok") continue;
      const key = `${point.repository} ${point.kind} ${(point.databases ?? []).join(" ")}`;
      const known = newest.get(key);
      if (known === undefined || known.finishedAt < point.finishedAt) newest.set(key, point);
    }
    const found = [...newest.values()].map((point): Answer => ({ name: point.id, ...answer(point, survey.points) }));
    const bad = found.filter(({ result }) => result !== "pass" && result !== "skip");
    if (bad.length > 0) return bad;
    if (found.length === 0) return { result: "skip", evidence: "there is no backup" };
    const compared = found.filter(({ result }) => result === "pass").length;
    return compared === 0
      ? { result: "skip", evidence: "too few backups to compare" }
      : { result: "pass", evidence: `${compared} compared with those before them` };
  },
};

function answer(point: RecoveryPoint, points: readonly RecoveryPoint[]): Answer {
  const { result, bytes, median } = judgeSize(point, points);
  const what = `${point.id} in ${point.repository}: ${formatBytes(bytes)}`;
  switch (result) {
    case "usual":
      return { result: "pass", evidence: `${what}, usually ${formatBytes(median ?? 0)}` };
    case "unknown":
      return { result: "skip", evidence: `${what}; too few before it to compare with` };
    case "small":
      return {
        result: "warn",
        evidence: `${what}, less than half of the usual ${formatBytes(median ?? 0)}`,
        mend: "Find out what is missing: a database, a tablespace, rows. If it was meant, the next backups make it the usual.",
      };
    case "empty":
      return { result: "fail", evidence: `${what}: nothing is in it`, mend: "Take another one and look at its log." };
  }
}

/** The same for a backup that was just taken, as a verdict of its run. */
export function sizeVerdict(point: RecoveryPoint, points: readonly RecoveryPoint[]): Verdict {
  return { check: "backup.size", title: "It is as large as usual", rung: "bytes", ...answer(point, points) };
}

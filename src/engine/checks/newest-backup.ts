import { formatInstant } from "../../domain/instant.ts";
import { formatDuration } from "../../domain/quantity.ts";
import type { Check } from "../check.ts";

/** Whether there is a backup that can be restored, and whether it is fresh. */
export const check: Check = {
  id: "newest-backup",
  title: "There is a fresh backup",
  ask: async ({ survey, now, backupPeriod }) => {
    if (survey === null) return { result: "unknown", evidence: "no repository could be read" };
    // A dump reaches one moment only, and an hourly one would hide that base backups have stopped; it counts where there is nothing else.
    const physical = survey.points.filter((point) => point.kind !== "dump");
    const usable = (physical.length > 0 ? physical : survey.points).filter((point) => point.status === "ok");
    const newest = usable.reduce<(typeof usable)[number] | null>(
      (best, point) => (best === null || point.finishedAt > best.finishedAt ? point : best),
      null,
    );
    if (newest === null) {
      return {
        result: "fail",
        evidence:
          survey.points.length === 0 ? "there is no backup" : `none of ${survey.points.length} backups can be restored`,
        mend: "Take one now: `pgrescue backup`.",
      };
    }
    const age = Number(now - newest.finishedAt) / 1e6;
    const limit = backupPeriod ?? 26 * 3600;
    const evidence = `${newest.id} in ${newest.repository}, finished ${formatInstant(newest.finishedAt).slice(0, 19)}Z, ${formatDuration(age)} ago`;
    return age <= limit
      ? { result: "pass", evidence }
      : {
          result: "warn",
          evidence: `${evidence}; expected within ${formatDuration(limit)}`,
          mend: "Take one: `pgrescue backup`, and see why the schedule did not.",
        };
  },
};

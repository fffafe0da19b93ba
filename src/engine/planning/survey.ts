import type { Hole, RecoveryWindow } from "../../domain/coverage.ts";
import { messageOf, PgrescueError } from "../../domain/errors.ts";
import { historyOf, holesOf, timelinesOf } from "../../domain/inventory.ts";
import { reachesAlong } from "../../domain/reach.ts";
import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import { forkOf } from "../../domain/timeline.ts";
import type { WalReader } from "../../ports/wal-reader.ts";
import { gatherSystems, type GatheredSystem, type PlanningWorld } from "./gather.ts";
import { findWalEnd } from "./wal-end.ts";
import { openPath } from "./wal-path.ts";

/** What can be recovered: the answer of `points`. */
export interface Survey {
  /** Oldest first within each repository. */
  readonly points: readonly RecoveryPoint[];
  readonly windows: readonly RecoveryWindow[];
  readonly holes: readonly (Hole & {
    readonly cluster: string;
    readonly repository: string;
    readonly systemIdentifier: string;
  })[];
  readonly warnings: readonly string[];
}

/**
 * Lists points, windows and holes of a cluster (null: of all), repository by repository. Trouble with one repository or
 * one segment is a warning; throws only when no repository can be read at all.
 */
export async function surveyRepositories(world: PlanningWorld, cluster: string | null): Promise<Survey> {
  const survey = {
    points: [] as RecoveryPoint[],
    windows: [] as RecoveryWindow[],
    holes: [] as Survey["holes"][number][],
    warnings: [] as string[],
  };
  let trouble: PgrescueError | null = null;
  let readable = 0;
  for (const repository of world.repositories) {
    try {
      const { systems, warnings } = await gatherSystems({ ...world, repositories: [repository] }, cluster);
      survey.warnings.push(...warnings);
      for (const system of systems) await surveySystem(system, repository.name, world.walReader, survey);
      readable++;
    } catch (error) {
      if (!(error instanceof PgrescueError)) throw error;
      trouble ??= error;
      survey.warnings.push(`${repository.name} could not be read: ${messageOf(error)}`);
    }
  }
  if (readable === 0 && trouble !== null) throw trouble;
  return survey;
}

async function surveySystem(
  system: GatheredSystem,
  repository: string,
  reader: WalReader,
  survey: { points: RecoveryPoint[]; windows: RecoveryWindow[]; holes: Survey["holes"][number][]; warnings: string[] },
): Promise<void> {
  const { cluster, systemIdentifier, inventory } = system;
  survey.points.push(...system.points);
  survey.warnings.push(...system.warnings);
  survey.holes.push(...holesOf(inventory).map((hole) => ({ ...hole, cluster, repository, systemIdentifier })));
  const found: RecoveryWindow[] = [];
  const timelines = new Set([
    ...timelinesOf(inventory),
    ...system.points.filter((p) => p.kind !== "dump").map((p) => p.timeline),
  ]);
  for (const timeline of [...timelines].sort((a, b) => a - b)) {
    const path = openPath(system.source, reader, timeline);
    const began = path.history.switches.at(-1)?.switchedAt ?? 0n;
    for (const reach of reachesAlong(path.history, inventory, system.points)) {
      const [first] = reach.points;
      // What ends before the timeline began is its ancestor's window.
      if (first === undefined || reach.until <= began) continue;
      const place = {
        cluster,
        repository,
        systemIdentifier,
        timeline,
        from: { at: first.finishedAt, lsn: first.stopLsn, point: first.id },
      };
      try {
        const end = await findWalEnd(path, { from: reach.from, until: reach.until });
        const last =
          end.lastCommit === "unknown" || end.lastCommit === null || end.lastCommit.lsn < first.stopLsn
            ? null
            : end.lastCommit;
        found.push({
          ...place,
          until: last === null ? { at: null, lsn: end.end, xid: null } : { at: last.at, lsn: last.lsn, xid: last.xid },
        });
      } catch (error) {
        if (!(error instanceof PgrescueError)) throw error;
        survey.warnings.push(`how far timeline ${timeline} reaches is unknown: ${messageOf(error)}`);
        found.push({ ...place, until: { at: null, lsn: reach.until, xid: null } });
      }
    }
  }
  survey.windows.push(
    ...found.filter((window) => !found.some((other) => other !== window && holdsWindow(other, window))),
  );

  /** A later timeline's window that goes through the same commits holds them all. */
  function holdsWindow(outer: RecoveryWindow, inner: RecoveryWindow): boolean {
    const fork = forkOf(historyOf(inventory, outer.timeline), inner.timeline);
    return (
      fork !== null && inner.until.lsn <= fork && outer.from.lsn <= inner.from.lsn && outer.until.lsn >= inner.until.lsn
    );
  }
}

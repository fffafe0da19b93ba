import type { WalInventory } from "../../domain/coverage.ts";
import { messageOf, PgrescueError } from "../../domain/errors.ts";
import { formatInstant, type Instant } from "../../domain/instant.ts";
import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import { defaultSegmentSize, type TimelineId } from "../../domain/segment.ts";
import { judgePoint } from "../../domain/standing.ts";
import type { Repository } from "../../ports/repository.ts";
import type { WalReader, WalSource } from "../../ports/wal-reader.ts";
import { withBackupWal } from "./backup-wal.ts";
import { openWal, type LocalWal } from "./join-sources.ts";

/** What planning looks at. `local`: pg_wal on this host of the system with that identifier; null: there is none to use. */
export interface PlanningWorld {
  readonly repositories: readonly Repository[];
  readonly walReader: WalReader;
  readonly local: {
    readonly systemIdentifier: string;
    readonly wal: LocalWal;
    /** Of a running server: everything committed until then is in it, on `timeline`. */
    readonly complete?: { readonly until: Instant; readonly timeline: TimelineId };
  } | null;
}

/** One database system of a cluster with everything that is stored of it. */
export interface GatheredSystem {
  readonly cluster: string;
  readonly systemIdentifier: string;
  /** Oldest first, with WAL taken into account. */
  readonly points: readonly RecoveryPoint[];
  /** What every recovery can fetch, local WAL included. */
  readonly inventory: WalInventory;
  /** To read: also knows the WAL inside backups. */
  readonly source: WalSource;
  readonly warnings: readonly string[];
}

/**
 * Lists points and WAL of a cluster (null: of all), by system. A repository that cannot be read becomes a warning as
 * long as another one can; throws its error otherwise.
 */
export async function gatherSystems(
  world: PlanningWorld,
  cluster: string | null,
): Promise<{ readonly systems: readonly GatheredSystem[]; readonly warnings: readonly string[] }> {
  const found = new Map<
    string,
    { cluster: string; systemIdentifier: string; points: RecoveryPoint[]; repositories: Repository[] }
  >();
  const warnings: string[] = [];
  let readable = 0;
  let trouble: unknown = null;
  for (const repository of world.repositories) {
    try {
      const entry = (name: string, systemIdentifier: string) => {
        const key = `${name}/${systemIdentifier}`;
        const known = found.get(key) ?? { cluster: name, systemIdentifier, points: [], repositories: [] };
        found.set(key, known);
        if (!known.repositories.includes(repository)) known.repositories.push(repository);
        return known;
      };
      for await (const system of repository.systems())
        if (cluster === null || system.cluster === cluster) entry(system.cluster, system.systemIdentifier);
      for await (const point of repository.points(cluster === null ? {} : { cluster }))
        entry(point.cluster, point.systemIdentifier).points.push(point);
      readable++;
    } catch (error) {
      if (!(error instanceof PgrescueError)) throw error;
      trouble ??= error;
      warnings.push(`${repository.name} could not be read: ${messageOf(error)}`);
    }
  }
  if (readable === 0 && trouble !== null) throw trouble;
  const systems: GatheredSystem[] = [];
  for (const { points, repositories, ...system } of found.values()) {
    points.sort((a, b) => (a.finishedAt < b.finishedAt ? -1 : a.finishedAt > b.finishedAt ? 1 : 0));
    const segmentSize = points.findLast((p) => p.kind !== "dump")?.segmentSize ?? defaultSegmentSize;
    const local = world.local?.systemIdentifier === system.systemIdentifier ? world.local.wal : null;
    // Dumps of a server that did not say which system it is are of no system's WAL.
    const archives = system.systemIdentifier === "" ? [] : repositories;
    const wal = await openWal(archives, local, system.cluster, system.systemIdentifier, segmentSize);
    const judged = withoutCopies(
      points.map((point) => judgePoint(point, wal.source.inventory)),
      repositories,
    );
    systems.push({
      ...system,
      points: judged,
      inventory: wal.source.inventory,
      source: withBackupWal(wal.source, judged, repositories),
      warnings: wal.warnings,
    });
  }
  return { systems, warnings };
}

/** Of a point and its copies the usable one in the repository that is named first. */
function withoutCopies(points: readonly RecoveryPoint[], repositories: readonly Repository[]): RecoveryPoint[] {
  const rank = (point: RecoveryPoint): number => repositories.findIndex((r) => r.name === point.repository);
  const isBetter = (a: RecoveryPoint, b: RecoveryPoint): boolean =>
    a.status === b.status ? rank(a) < rank(b) : a.status === "ok";
  return points.filter(
    (point) =>
      !points.some(
        (other) =>
          other !== point && other.id === point.id && other.startLsn === point.startLsn && isBetter(other, point),
      ),
  );
}

/** The system that is meant: production's where it is known, else the one with the newest point. null: the cluster has none. */
export function chooseSystem(
  systems: readonly GatheredSystem[],
  wanted: string | null,
): { readonly system: GatheredSystem | null; readonly warnings: readonly string[] } {
  const asked = systems.find((s) => s.systemIdentifier === wanted);
  if (asked !== undefined) return { system: asked, warnings: [] };
  // Dumps are of no system, and say nothing about which one is alive.
  const newestOf = (s: GatheredSystem) => s.points.findLast((p) => p.kind !== "dump")?.finishedAt ?? null;
  const [first = null, ...others] = [...systems].sort((a, b) => Number((newestOf(b) ?? 0n) - (newestOf(a) ?? 0n)));
  const at = first === null ? null : newestOf(first);
  const warnings =
    first !== null && others.length > 0
      ? [
          `several systems have backups under this name; ${first.systemIdentifier} is taken, whose newest point is of ${at === null ? "unknown time" : formatInstant(at)}`,
        ]
      : [];
  return { system: first, warnings };
}

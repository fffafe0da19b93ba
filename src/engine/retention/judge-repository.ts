import { PgrescueError } from "../../domain/errors.ts";
import type { WalInventory } from "../../domain/coverage.ts";
import type { Instant } from "../../domain/instant.ts";
import { joinInventories } from "../../domain/inventory.ts";
import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import { coveredBy, type Hold } from "../../domain/retention/hold.ts";
import { judgePoints, type PointDecision } from "../../domain/retention/judge-points.ts";
import { judgeWal, type WalDecision } from "../../domain/retention/judge-wal.ts";
import type { RetentionPolicy } from "../../domain/retention/policy.ts";
import { judgePoint } from "../../domain/standing.ts";
import type { Keeping } from "../../ports/keeping.ts";
import type { Repository } from "../../ports/repository.ts";
import { dayIn } from "./day-in.ts";

/** What a policy decides in one repository, system by system. */
export interface RepositoryJudgement {
  readonly repository: string;
  readonly holds: readonly Hold[];
  readonly systems: readonly SystemJudgement[];
}

export interface SystemJudgement {
  readonly cluster: string;
  readonly systemIdentifier: string;
  readonly segmentSize: number;
  readonly points: readonly PointDecision[];
  readonly wal: readonly WalDecision[];
}

export interface JudgeOptions {
  readonly cluster: string;
  readonly policy: RetentionPolicy;
  readonly now: Instant;
  readonly graceSeconds: number;
  /** What else must stay in this repository, by point id, with the reason. */
  readonly covered?: ReadonlyMap<string, string>;
  /** Names of places that should have been among the others and could not be opened. */
  readonly unread?: readonly string[];
}

/** Who may remove something in a repository. Throws `precondition-refused` where nothing may be. */
export function keepingOf(repository: Repository): Keeping {
  if (repository.keeping !== undefined) return repository.keeping;
  throw new PgrescueError(
    "precondition-refused",
    repository.readOnly
      ? `repository ${repository.name} is configured read-only: nothing expires there`
      : `repository ${repository.name} is of format ${repository.format}, which pgrescue only reads: nothing expires there`,
    { next: "Name repositories that pgrescue writes with --repository NAME." },
  );
}

/**
 * Judges what a cluster has in one repository. Whether a point can be restored is judged with the WAL of all the given
 * places together, since a recovery reads it from all of them; what is kept is what this one has.
 */
export async function judgeRepository(
  repository: Repository,
  others: readonly Repository[],
  options: JudgeOptions,
): Promise<RepositoryJudgement> {
  const { cluster, policy, now, graceSeconds } = options;
  const holds = await keepingOf(repository).holds(cluster);
  const all = await pointsOf(repository, cluster);
  const points = all.filter((p) => p.kind !== "dump");
  const dumps = all.filter((p) => p.kind === "dump");
  const facts = {
    now,
    graceSeconds,
    ...(policy.timeZone === null ? {} : { dayOf: dayIn(policy.timeZone) }),
  };
  const systems: SystemJudgement[] = [];
  for (const systemIdentifier of await systemsOf(repository, cluster, points)) {
    const own = points.filter((p) => p.systemIdentifier === systemIdentifier);
    const inventory = await repository.wal(cluster, systemIdentifier).inventory();
    const found = await joined(inventory, others, cluster, systemIdentifier);
    const unread = [...(options.unread ?? []), ...found.unread];
    const judged = own.map((p) => judgePoint(p, found.everywhere));
    const unknown = judged
      .filter((p) => unread.length > 0 && p.status === "not-restorable")
      .map((p) => [p.id, `whether ${unread.join(", ")} has its WAL is unknown`] as const);
    const decisions = judgePoints(judged, policy, {
      ...facts,
      covered: new Map([...unknown, ...coveredBy(holds, judged, now), ...(options.covered ?? [])]),
    });
    systems.push({
      cluster,
      systemIdentifier,
      segmentSize: inventory.segmentSize,
      points: decisions,
      // A policy without a rule for base backups keeps their WAL, too.
      wal: judgeWal(inventory, decisions, policy.base === null ? Number.POSITIVE_INFINITY : policy.walBufferSeconds),
    });
  }
  if (dumps.length > 0) {
    const covered = new Map([...coveredBy(holds, dumps, now), ...(options.covered ?? [])]);
    systems.push({ ...noSystem, cluster, points: judgePoints(dumps, policy, { ...facts, covered }) });
  }
  return { repository: repository.name, holds, systems };
}

/** Dumps are of no system's WAL, and one policy keeps them across pg_upgrade. */
const noSystem = { systemIdentifier: "", segmentSize: 0, wal: [] };

async function pointsOf(repository: Repository, cluster: string): Promise<RecoveryPoint[]> {
  const points: RecoveryPoint[] = [];
  for await (const point of repository.points({ cluster })) points.push(point);
  return points;
}

async function systemsOf(
  repository: Repository,
  cluster: string,
  points: readonly RecoveryPoint[],
): Promise<ReadonlySet<string>> {
  const found = new Set(points.map((p) => p.systemIdentifier));
  for await (const system of repository.systems()) if (system.cluster === cluster) found.add(system.systemIdentifier);
  return found;
}

async function joined(
  own: WalInventory,
  others: readonly Repository[],
  cluster: string,
  systemIdentifier: string,
): Promise<{ readonly everywhere: WalInventory; readonly unread: readonly string[] }> {
  let everywhere = own;
  const unread: string[] = [];
  for (const other of others) {
    try {
      everywhere = joinInventories(everywhere, await other.wal(cluster, systemIdentifier).inventory());
    } catch (error) {
      if (!(error instanceof PgrescueError)) throw error;
      unread.push(other.name);
    }
  }
  return { everywhere, unread };
}

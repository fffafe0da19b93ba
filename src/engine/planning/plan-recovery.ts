import { PgrescueError } from "../../domain/errors.ts";
import { raiseFloors } from "../../domain/floors.ts";
import { formatInstant, type Instant } from "../../domain/instant.ts";
import { formatLsn } from "../../domain/lsn.ts";
import type { DestinationFacts, MethodFacts, ProductionFacts, Speeds } from "../../domain/methods/method.ts";
import { methods } from "../../domain/methods/registry.ts";
import type { Estimate, RecoveryInputs, SiteInputs, TargetInputs } from "../../domain/plan.ts";
import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import { isRefusal, type PlanRefusal } from "../../domain/refusal.ts";
import { recoverySettings, type StopBy } from "../../domain/recovery-settings.ts";
import type { TimelineId } from "../../domain/segment.ts";
import type { ResolvedTarget, TargetRequest } from "../../domain/target.ts";
import type { TransactionEnd } from "../../domain/wal-event.ts";
import type { Repository } from "../../ports/repository.ts";
import { backupFacts, type BackupFacts } from "./backup-catalog.ts";
import { chooseTimeline } from "./choose-timeline.ts";
import { chooseSystem, gatherSystems, type GatheredSystem, type PlanningWorld } from "./gather.ts";
import { findTarget, type FoundTarget } from "./resolve-target.ts";

/** What shall be recovered, how and where to. */
export interface PlanRequest {
  readonly cluster: string;
  readonly host: string;
  readonly now: Instant;
  readonly target: TargetRequest;
  readonly method: RecoveryInputs["method"];
  readonly action: RecoveryInputs["targetAction"];
  /** Begin with this backup; null: the planner chooses. */
  readonly point: string | null;
  readonly production: ProductionFacts & {
    /** By pg_control, where it can be read. */
    readonly systemIdentifier: string | null;
    readonly timeline: TimelineId | null;
    readonly floors: { readonly [name: string]: number };
  };
  readonly destination: DestinationFacts;
  readonly tablespaces: { readonly [oidNameOrLocation: string]: string };
  readonly speeds: Speeds;
  readonly site?: SiteInputs;
}

/** A recovery that can be run. */
export interface RecoveryPlan {
  readonly inputs: RecoveryInputs;
  readonly runbook: string;
  readonly point: RecoveryPoint;
  readonly target: ResolvedTarget;
  readonly estimate: Estimate;
}

/**
 * From points and WAL to a recovery's inputs: resolves the target, chooses timeline and backup, checks that the WAL
 * between is unbroken, all before a byte is copied. Refusals are values; throws what repositories throw, and
 * `no-recovery-point` when nothing is stored of the cluster at all.
 */
export async function planRecovery(request: PlanRequest, world: PlanningWorld): Promise<RecoveryPlan | PlanRefusal> {
  const gathered = await gatherSystems(world, request.cluster);
  const chosen = chooseSystem(gathered.systems, request.production.systemIdentifier);
  const { system } = chosen;
  if (system === null)
    throw new PgrescueError(
      "no-recovery-point",
      `no backup of ${request.cluster} is in ${world.repositories.map((r) => r.url).join(", ")}`,
    );
  const found = await lookUp(request, world, system);
  if (isRefusal(found)) return found;
  const isEndless = found.stop.by.kind === "end" && request.action === "pause" && !pausable(request, found);
  const target = resolved(request, found, isEndless);
  const method = methods[request.method];
  const facts: MethodFacts = {
    cluster: request.cluster,
    host: request.host,
    now: request.now,
    point: found.point,
    target,
    replayUntil: found.stop.stopAt,
    newestCommitAt: commitOrNull(found.end.lastCommit)?.at ?? null,
    production: request.production,
    destination: request.destination,
    tablespaces: request.tablespaces,
    speeds: request.speeds,
  };
  const refusal = method.refuse(facts);
  if (refusal !== null) return refusal;
  const repository = repositoryOf(world.repositories, found.point);
  const backup = await backupFacts(repository, found.point);
  const warnings = [
    ...gathered.warnings,
    ...chosen.warnings,
    ...system.warnings,
    ...found.timelineWarnings,
    ...found.stop.warnings,
    ...(isEndless ? ["recovery to the end of the wal cannot pause: PostgreSQL promotes when the wal ends"] : []),
    ...(found.floors === null
      ? ["too much wal lies between backup and target to look for raised parameters; recovery pauses if one is too low"]
      : []),
    ...backup.warnings,
  ];
  const settings: { [name: string]: string } = {};
  for (const [name, value] of Object.entries(target.settings)) settings[name] = String(value);
  const inputs: RecoveryInputs = {
    method: method.id,
    cluster: request.cluster,
    repository: repository.name,
    point: found.point.id,
    systemIdentifier: found.point.systemIdentifier,
    postgresVersion: found.point.postgresVersion,
    segmentSize: found.point.segmentSize,
    ...method.place(facts),
    target: targetInputs(target, found),
    settings,
    targetAction: isEndless ? "promote" : request.action,
    floors: raiseFloors(raiseFloors(backup.floors, request.production.floors), found.floors ?? {}),
    replayFrom: formatLsn(found.point.startLsn),
    replayUntil: formatLsn(found.stop.stopAt),
    bytes: found.point.bytes,
    storedBytes: found.point.storedBytes,
    site: siteWith(request.site ?? {}, backup),
    warnings: [...new Set(warnings)],
  };
  return { inputs, runbook: method.runbook, point: found.point, target, estimate: method.estimate(facts) };
}

/** Who to connect as and where to, from the backup's catalog where the configuration does not say. */
function siteWith(site: SiteInputs, { superuser, database }: BackupFacts): SiteInputs {
  return { ...(superuser === null ? {} : { superuser }), ...(database === null ? {} : { database }), ...site };
}

type LookedUp = FoundTarget & { readonly timelineWarnings: readonly string[] };

/** Looks on the chosen timeline, and for what exists only once, a transaction or a name, on the others, too. */
async function lookUp(
  request: PlanRequest,
  world: PlanningWorld,
  system: GatheredSystem,
): Promise<LookedUp | PlanRefusal> {
  if (system.points.some((p) => p.id === request.point && p.kind === "dump"))
    return {
      refusal: "unfit-method",
      message: `${request.point} is a dump: no WAL can be replayed onto it`,
      next: `Restore it with --into SERVER --database NEW, or begin with a base backup from \`pgrescue points\`.`,
    };
  const physical = system.points.filter((p) => p.kind !== "dump");
  const points = request.point === null ? physical : physical.filter((p) => p.id === request.point);
  if (request.point !== null && points.length === 0)
    return {
      refusal: "no-point",
      message: `there is no point ${request.point}`,
      next: "List the points with `pgrescue points`.",
    };
  const { source, inventory } = system;
  const own = points.findLast((p) => p.status === "ok")?.timeline ?? null;
  const asked =
    request.target.timeline ??
    (request.target.target.kind === "immediate" || inventory.ranges.length === 0 ? own : null);
  const choice = await chooseTimeline(source, world.walReader, asked, request.production.timeline, physical);
  const order = choice.order.length > 0 ? choice.order : [points.at(-1)?.timeline ?? 1];
  const complete = world.local?.systemIdentifier === system.systemIdentifier ? world.local.complete : undefined;
  let first: PlanRefusal | null = null;
  for (const timeline of order) {
    const found = await findTarget(
      { source, inventory, reader: world.walReader, points, ...(complete === undefined ? {} : { complete }) },
      timeline,
      request.target,
    );
    if (!isRefusal(found)) {
      const elsewhere =
        first === null
          ? choice.warnings
          : [`it was found on timeline ${timeline}, not on timeline ${order[0]}: ${first.message}`];
      return { ...found, timelineWarnings: elsewhere };
    }
    first ??= found;
    const { kind } = request.target.target;
    if (kind === "xid" || kind === "name") continue;
    if (found.refusal !== "no-point") break;
    // The end of an older timeline would silently bring back what a later one had left behind.
    const [, other] = order;
    if (kind === "latest" && other !== undefined)
      return {
        ...found,
        next: `Look with \`pgrescue points\`, then follow a timeline you know, like --target-timeline ${other}.`,
      };
  }
  return (
    first ?? {
      refusal: "no-point",
      message: `no timeline of ${system.cluster} is known`,
      next: "Look with `pgrescue points`.",
    }
  );
}

/** Whether the end of the WAL is final, so that its last commit can be paused at: not while production still writes, in place. */
function pausable(request: PlanRequest, found: FoundTarget): boolean {
  const last = found.end.lastDecision;
  return (
    last !== null &&
    last.lsn >= found.point.stopLsn &&
    (request.method !== "rewind-in-place" || !request.production.isRunning)
  );
}

function resolved(request: PlanRequest, found: FoundTarget, isEndless: boolean): ResolvedTarget {
  const { stop, path } = found;
  const last = found.end.lastDecision;
  const by: StopBy =
    stop.by.kind === "end" && request.action === "pause" && !isEndless && last !== null
      ? { kind: "lsn", lsn: last.lsn, inclusive: true }
      : stop.by;
  return {
    request: request.target,
    timeline: path.history.timeline,
    stopAt: by.kind === "end" ? null : stop.stopAt,
    lastCommit: found.lastCommit,
    firstLost: found.firstLost,
    lostCommits: found.lostCommits,
    // Where it stopped is checked before anything is promoted; only the end of the wal cannot be paused at.
    settings: recoverySettings(request.target, by, path.history.timeline, by.kind === "end" ? "promote" : "pause"),
  };
}

function targetInputs(target: ResolvedTarget, found: FoundTarget): TargetInputs {
  const { target: asked, inclusive } = target.request;
  const value =
    asked.kind === "time"
      ? formatInstant(asked.time)
      : asked.kind === "xid"
        ? String(asked.xid)
        : asked.kind === "lsn"
          ? formatLsn(asked.lsn)
          : asked.kind === "name"
            ? asked.name
            : "";
  return {
    kind: asked.kind,
    value,
    inclusive,
    timeline: target.timeline,
    stopAt: target.stopAt === null ? null : formatLsn(target.stopAt),
    lastCommit: commitInputs(found.lastCommit),
    firstLost: commitInputs(found.firstLost),
    lostCommits: target.lostCommits,
  };
}

function commitInputs(commit: TransactionEnd | null): TargetInputs["lastCommit"] {
  return commit === null ? null : { xid: String(commit.xid), at: formatInstant(commit.at), lsn: formatLsn(commit.lsn) };
}

function commitOrNull(commit: TransactionEnd | null | "unknown"): TransactionEnd | null {
  return commit === "unknown" ? null : commit;
}

function repositoryOf(repositories: readonly Repository[], point: RecoveryPoint): Repository {
  const repository = repositories.find((r) => r.name === point.repository);
  if (repository === undefined)
    throw new PgrescueError("bug", `point ${point.id} is of repository ${point.repository}, which is not open`);
  return repository;
}

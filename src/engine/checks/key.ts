import { PgrescueError, messageOf } from "../../domain/errors.ts";
import type { Lsn } from "../../domain/lsn.ts";
import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import { segmentName, segmentOf } from "../../domain/segment.ts";
import type { Repository } from "../../ports/repository.ts";
import { openDump } from "../open-point.ts";
import type { Answer, Check } from "../check.ts";

/** Whether a key at hand opens the newest encrypted backup of each kind in each repository, and WAL. */
export const check: Check = {
  id: "key",
  title: "A key at hand opens what is encrypted",
  ask: async ({ repositories, survey }) => {
    if (survey === null) return { result: "unknown", evidence: "no repository could be read" };
    const findings: Answer[] = [];
    for (const { name, repository } of repositories) {
      if (repository === null) continue;
      const encrypted = survey.points.filter((p) => p.repository === name && p.encrypted && p.status === "ok");
      for (const point of newestOfEachKind(encrypted)) findings.push({ name, ...(await tried(point, repository)) });
    }
    return findings.length > 0 ? findings : { result: "skip", evidence: "no backup here is encrypted" };
  },
};

function newestOfEachKind(points: readonly RecoveryPoint[]): readonly RecoveryPoint[] {
  const newest = new Map<string, RecoveryPoint>();
  for (const point of points) {
    const known = newest.get(point.kind);
    if (known === undefined || known.finishedAt < point.finishedAt) newest.set(point.kind, point);
  }
  return [...newest.values()];
}

async function tried(point: RecoveryPoint, repository: Repository): Promise<Answer> {
  const what = `${point.id} in ${repository.name}`;
  try {
    await openSomething(point, repository);
    const last = await lastSegment(point, repository);
    return { result: "pass", evidence: `${what} was opened${last === null ? "" : `, and segment ${last}`}` };
  } catch (error) {
    if (!(error instanceof PgrescueError) || error.code !== "credentials")
      return { result: "unknown", evidence: `${what}: ${messageOf(error)}` };
    return {
      result: "fail",
      evidence: `${what}: ${error.message}`,
      mend: `${error.next} Without it no recovery is possible; try a copy from its safe with --identity FILE.`,
    };
  }
}

/** Reads what only the key opens. */
async function openSomething(point: RecoveryPoint, repository: Repository): Promise<void> {
  if (point.kind === "dump") await (await openDump(repository, point)).globals();
  else await (await repository.openBackup(point)).catalog();
}

/** Opens the segment that the backup ended in, where the archive has it. */
async function lastSegment(point: RecoveryPoint, repository: Repository): Promise<string | null> {
  if (point.kind !== "base" || point.walIncluded) return null;
  const segment = segmentOf((point.stopLsn - 1n) as Lsn, point.segmentSize);
  const name = segmentName(point.timeline, segment, point.segmentSize);
  return (await repository.wal(point.cluster, point.systemIdentifier).fetch(name)) === null ? null : name;
}

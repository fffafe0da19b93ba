import { PgrescueError, messageOf } from "../../domain/errors.ts";
import type { Lsn } from "../../domain/lsn.ts";
import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import { segmentName, segmentOf, type SegmentNumber } from "../../domain/segment.ts";
import type { Verdict } from "../../domain/verdict.ts";
import type { BackupReader, Repository } from "../../ports/repository.ts";
import { sizeVerdict } from "../checks/backup-size.ts";
import type { StepContext, StepKind, StepSignal } from "../step.ts";
import { backupRequest, parseBackupParameters, pointOfRun, type BackupParameters } from "./backup-parameters.ts";
import { judged, recorded, verdict } from "./signals.ts";

/** Members without which no server starts. */
const indispensable = ["PG_VERSION", "global/pg_control", "backup_label"];

/** The recorded value that says what was looked at: {id, result}. */
const verifiedRecord = "backup-verified";

/**
 * Looks at the new backup as a restore would: its index, manifest and WAL. `full: true` reads every byte of it again and
 * compares it with the hashes that were written.
 */
export const step: StepKind<BackupParameters> = {
  name: "backup.verify",
  risk: "read",
  parse: parseBackupParameters,
  describe(p, inputs) {
    const { repository } = backupRequest(p, inputs);
    const how =
      p["full"] === true
        ? "read every byte of the new backup"
        : "read the index of the new backup and look for its WAL";
    return { text: `${how} in repository ${repository}`, commands: [] };
  },
  async probe(_p, ctx) {
    return ctx.recorded[verifiedRecord] === undefined ? "absent" : "done";
  },
  async *run(p, ctx) {
    const point = await pointOfRun(p, ctx);
    if (point === null)
      throw new PgrescueError("verification-failed", "this run has no backup in the repository", {
        next: "Run `pgrescue backup` again.",
      });
    const repository = await ctx.world.repository(backupRequest(p, ctx.inputs).repository);
    const found: Verdict[] = [];
    for await (const said of checks(point, repository, p["full"] === true, ctx)) {
      if (said.signal === "verdict") found.push(said.verdict);
      yield said;
    }
    const bad = found.find((v) => v.result === "fail");
    if (bad !== undefined)
      throw new PgrescueError("verification-failed", `${bad.title}: ${bad.evidence}`, {
        next: "Take another backup; look at the storage first.",
      });
    yield recorded(verifiedRecord, { id: point.id, full: p["full"] === true });
  },
};

async function* checks(
  point: RecoveryPoint,
  repository: Repository,
  full: boolean,
  ctx: StepContext,
): AsyncGenerator<StepSignal> {
  const reader = await repository.openBackup(point);
  yield judged(await attempt("backup.members", "The backup has what a server needs", () => members(reader)));
  yield judged(
    await attempt("backup.wal", "The WAL that makes it consistent is stored", () => wal(point, reader, repository)),
  );
  const others = [];
  for await (const other of repository.points({ cluster: point.cluster })) others.push(other);
  yield judged(sizeVerdict(point, others));
  if (!full) return;
  let failure: string | null = null;
  try {
    for await (const progress of reader.verify(ctx.signal)) yield { signal: "progress", ...progress };
  } catch (error) {
    if (ctx.signal.aborted) throw error;
    failure = messageOf(error);
  }
  yield judged(
    verdict(
      "backup.bytes",
      "Every stored byte is as it was written",
      failure === null ? "pass" : "fail",
      failure ?? "all objects were read and their hashes compared",
      { rung: "bytes" },
    ),
  );
}

/** A check's evidence, or its failure: `fail` for what is missing. */
async function attempt(check: string, title: string, work: () => Promise<string>): Promise<Verdict> {
  try {
    return verdict(check, title, "pass", await work(), { rung: "bytes" });
  } catch (error) {
    return verdict(check, title, "fail", messageOf(error), { rung: "bytes" });
  }
}

async function members(reader: BackupReader): Promise<string> {
  const missing = new Set(indispensable);
  let files = 0;
  for await (const member of reader.members()) {
    if (member.type === "file") files += 1;
    if (member.archive === "base") missing.delete(member.path);
  }
  if (missing.size > 0) throw new PgrescueError("damaged-data", `${[...missing].join(", ")} missing`);
  return (await reader.hasManifest()) ? `${files} files and the manifest` : `${files} files; no manifest`;
}

async function wal(point: RecoveryPoint, reader: BackupReader, repository: Repository): Promise<string> {
  const archive = repository.wal(point.cluster, point.systemIdentifier);
  const last = segmentOf((point.stopLsn - 1n) as Lsn, point.segmentSize);
  let count = 0;
  for (let at = segmentOf(point.startLsn, point.segmentSize); at <= last; at = (at + 1n) as SegmentNumber) {
    const name = segmentName(point.timeline, at, point.segmentSize);
    const there = point.walIncluded ? (await reader.wal(name)) !== null : await archive.has(name);
    if (!there) throw new PgrescueError("damaged-data", `segment ${name} is missing`);
    count += 1;
  }
  return `${count} ${count === 1 ? "segment" : "segments"} ${point.walIncluded ? "inside the backup" : "in the archive"}`;
}

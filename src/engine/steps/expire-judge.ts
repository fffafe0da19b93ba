import { formatInstant } from "../../domain/instant.ts";
import { messageOf, PgrescueError } from "../../domain/errors.ts";
import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import type { Verdict } from "../../domain/verdict.ts";
import type { Repository } from "../../ports/repository.ts";
import { keepingOf } from "../retention/judge-repository.ts";
import type { StepKind } from "../step.ts";
import { expiryInputs, judgeNow, parseExpiryParameters, type ExpiryParameters } from "./expire-parameters.ts";
import { judged, logged, recorded, verdict } from "./signals.ts";

/** The recorded value that says what was decided: {"<repository>": {keep, delete, segments}}. */
const decidedRecord = "expiry-decided";

/** Judges points and WAL by the policy, and refuses to go on where what stays cannot be relied on. */
export const step: StepKind<ExpiryParameters> = {
  name: "expire.judge",
  risk: "read",
  parse: parseExpiryParameters,
  describe(_p, inputs) {
    const { cluster, repositories, policies } = expiryInputs(inputs);
    const places = repositories.map((name, at) => `${name} by policy ${policies[at]?.name}`);
    return { text: `judge what ${cluster} has in ${places.join(", ")}; nothing is changed`, commands: [] };
  },
  async probe(_p, ctx) {
    return Promise.resolve(ctx.recorded[decidedRecord] === undefined ? "absent" : "done");
  },
  async *run(_p, ctx) {
    const summary: Record<string, { keep: number; delete: number; segments: number }> = {};
    const bad: Verdict[] = [];
    for (const { repository, judgement } of await judgeNow(ctx)) {
      keepingOf(repository);
      const points = judgement.systems.flatMap((s) => s.points);
      const wal = judgement.systems.flatMap((s) => s.wal).filter((w) => w.action === "delete");
      summary[repository.name] = {
        keep: points.filter((d) => d.action === "keep").length,
        delete: points.filter((d) => d.action === "delete").length,
        segments: wal.reduce((sum, w) => sum + Number(w.until - w.from) + 1, 0),
      };
      for (const { point, action, reason } of points)
        yield logged(`${action} ${point.id} in ${repository.name}: ${reason}`);
      for (const system of judgement.systems) {
        const kept = system.points.filter((d) => d.action === "keep").map((d) => d.point);
        const found = await lookAtNewest(kept, repository);
        if (found === null) continue;
        yield judged(found);
        if (found.result === "fail") bad.push(found);
      }
    }
    const [first] = bad;
    if (first !== undefined)
      throw new PgrescueError("precondition-refused", `${first.title}: ${first.evidence}`, {
        next: "Take a new backup and look at the storage; expire again afterwards.",
      });
    yield recorded(decidedRecord, summary);
  },
};

/** Opens the newest kept base backup as a restore would: older ones may only go while that can be relied on. */
async function lookAtNewest(kept: readonly RecoveryPoint[], repository: Repository): Promise<Verdict | null> {
  const newest = kept
    .filter((p) => p.status === "ok" && (p.kind === "base" || p.kind === "incremental"))
    .sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1))[0];
  if (newest === undefined) return null;
  const title = `The newest backup in ${repository.name} can be opened`;
  const when = `${newest.id}, finished ${formatInstant(newest.finishedAt)}`;
  try {
    const reader = await repository.openBackup(newest);
    let files = 0;
    for await (const member of reader.members()) if (member.type === "file") files += 1;
    return verdict("expire.newest", title, files > 0 ? "pass" : "fail", `${when}: ${files} files`);
  } catch (error) {
    // Without a key nobody can look inside; whoever expires need not have one.
    const result = error instanceof PgrescueError && error.code === "credentials" ? "unknown" : "fail";
    return verdict("expire.newest", title, result, `${when}: ${messageOf(error)}`);
  }
}

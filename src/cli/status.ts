import { listRuns } from "../adapters/journal/run-directory.ts";
import { compose } from "../compose.ts";
import { gravest, type Verdict } from "../domain/verdict.ts";
import { askChecks } from "../engine/check.ts";
import { loadChecks, type CheckName } from "../engine/checks/registry.ts";
import { runAsOwner } from "./as-owner.ts";
import { openCheckContext } from "./check-context.ts";
import type { Command } from "./command.ts";
import { recentRuns } from "./console/run-view.ts";
import { scheduleOf } from "./console/schedule-view.ts";
import { rehearsalsHere } from "./measured.ts";
import { openRunRecord } from "./run/find-run.ts";
import { openSettings, requireCluster } from "./settings.ts";
import { statusDocument, statusLines, type LastRun, type StatusRecord } from "./status-lines.ts";

/** What a look at the present needs; the set-up is doctor's. */
const asked: readonly CheckName[] = [
  "right-host",
  "server",
  "archiver",
  "archiver-queue",
  "repositories",
  "newest-backup",
  "locks",
  "windows",
];

export const command: Command = {
  summary: "how are we now: server, newest backup, what can be reached, archiving, last runs",
  usage: "status",
  description:
    "One screen; changes nothing. Exit codes: 0, and with --strict 3 for warnings, 50 for failures, 51 for unknowns.",
  options: { strict: { type: "boolean", summary: "trouble shows in the exit code" } },
  examples: [
    "pgrescue status                    # the same as pgrescue without a terminal",
    "pgrescue status --json | jq .result",
  ],
  run: async (args, terminal) => {
    const settings = requireCluster(await openSettings(args, terminal));
    const code = await runAsOwner("status", args, settings, terminal);
    if (code !== null) return code;
    await using context = await openCheckContext(settings, compose(settings, terminal.env));
    const verdicts: Verdict[] = [];
    for await (const verdict of askChecks(await loadChecks(asked), context)) verdicts.push(verdict);
    const rehearsals = await rehearsalsHere(settings.stateDirectory);
    const record: StatusRecord = {
      verdicts,
      runs: await lastRuns(settings.stateDirectory),
      restored: rehearsals?.find((r) => r.cluster === context.cluster) ?? (rehearsals === null ? "unknown" : null),
      schedule: scheduleOf(
        settings.loaded.config.schedule,
        context.cluster,
        context.survey?.points ?? [],
        await recentRuns(settings.stateDirectory),
        context.now,
      ),
    };
    if (args.flag("json")) terminal.print(JSON.stringify(statusDocument(context, record)));
    else for (const line of statusLines(context, record)) terminal.print(line);
    if (!args.flag("strict")) return 0;
    const result = gravest(verdicts);
    return result === "fail" ? 50 : result === "unknown" ? 51 : result === "warn" ? 3 : 0;
  },
};

/** The newest runs of the state directory, at most five. A journal that cannot be read is said, not thrown. */
async function lastRuns(stateDirectory: string): Promise<readonly LastRun[]> {
  const ids = await listRuns(stateDirectory).catch(() => []);
  return await Promise.all(
    ids.slice(0, 5).map(async (id) => {
      const run = await openRunRecord(stateDirectory, id).catch(() => null);
      const header = run?.state.header ?? null;
      return {
        id,
        kind: header?.kind ?? "unknown",
        openedAt: header?.openedAt ?? null,
        // Without its first event it found its repository locked, and did nothing.
        outcome:
          run === null
            ? "journal cannot be read"
            : (run.state.outcome?.result ?? (header === null ? "not begun" : "not ended")),
      };
    }),
  );
}

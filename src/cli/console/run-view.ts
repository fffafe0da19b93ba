import { openRunRecord } from "../run/find-run.ts";
import { listRuns, runsDirectory } from "../../adapters/journal/run-directory.ts";
import { connectToRunner } from "../../adapters/system/runner-socket.ts";
import { join } from "node:path";
import { instant, parseInstant } from "../../domain/instant.ts";
import type { RunState } from "../../domain/run/state.ts";
import type { RunView } from "../../faces/console-views.ts";

/** How many runs the home screen reads back. */
const shownRuns = 20;

/** The newest runs of this state directory; a journal that cannot be read is left out, not fatal. */
export async function recentRuns(stateDirectory: string): Promise<readonly RunState[]> {
  const ids = await listRuns(stateDirectory).catch(() => []);
  const found = await Promise.all(
    ids.slice(0, shownRuns).map((id) => openRunRecord(stateDirectory, id).catch(() => null)),
  );
  return found.flatMap((run) => (run === null || run.state.header === null ? [] : [run.state]));
}

/** A run as lists show it. */
export async function runView(state: RunState, stateDirectory: string): Promise<RunView> {
  const isLive = state.outcome === null && (await lives(join(runsDirectory(stateDirectory), state.run)));
  const done = state.steps.filter((s) => ["done", "already-done", "skipped"].includes(s.status)).length;
  const current =
    state.steps.find((s) => s.plan.id === state.current) ?? state.steps.find((s) => s.status === "cut-off");
  const openedAt = parseInstant(state.header?.openedAt ?? "");
  const endedAt = state.endedAt === null ? null : parseInstant(state.endedAt);
  return {
    id: state.run,
    cluster: state.header?.cluster ?? "",
    title: state.header?.runbook.id ?? "run",
    at: openedAt ?? instant(0n),
    isLive,
    result: state.outcome?.result ?? null,
    position:
      current === undefined
        ? `step ${done}/${state.steps.length}`
        : `step ${state.steps.indexOf(current) + 1}/${state.steps.length}, ${current.plan.title}`,
    seconds: endedAt === null || openedAt === null ? null : Number((endedAt - openedAt) / 1_000_000n),
  };
}

async function lives(directory: string): Promise<boolean> {
  const connection = await connectToRunner(directory).catch(() => null);
  connection?.close();
  return connection !== null;
}

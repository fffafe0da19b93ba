import { mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { openJournal } from "../../src/adapters/journal/file-journal.ts";
import { createRunDirectory, runFiles, runsDirectory } from "../../src/adapters/journal/run-directory.ts";
import type { Json } from "../../src/domain/brand.ts";
import { formatInstant, instant } from "../../src/domain/instant.ts";
import type { PlannedStep } from "../../src/domain/plan.ts";
import type { JournalEvent, RunFact } from "../../src/domain/run/events.ts";
import { fold } from "../../src/domain/run/reduce.ts";
import type { RunState } from "../../src/domain/run/state.ts";
import { moment } from "./console-world.ts";

/** What differs from a restore of 2 GB in 10 s and a replay of 300 MB in 3 s that ended well on this host. */
export interface RestoreRun {
  readonly run?: string;
  readonly host?: string;
  readonly kind?: "recovery" | "backup" | "verify";
  readonly inputs?: { readonly [key: string]: Json };
  readonly restoreMilliseconds?: number;
  /** Facts in the place of the restore's own. */
  readonly restoring?: readonly RunFact[];
  /** Facts before the end. */
  readonly more?: readonly RunFact[];
  readonly exitCode?: number;
  readonly confirm?: "none" | "type";
}

const step = (id: string, builtin: string, confirm: "none" | "type"): PlannedStep => ({
  id,
  title: id,
  why: "w",
  phase: "execute",
  risk: "scratch",
  builtin,
  with: {},
  undo: "u",
  confirm,
  onFailure: "stop",
  describe: id,
  commands: [],
});

/** A step's beginning and end. */
export function worked(step: string, milliseconds: number): readonly RunFact[] {
  return [
    { event: "step-started", step, describe: step, found: "absent" },
    { event: "step-finished", step, result: "done", milliseconds },
  ];
}

/** The facts of a restoring run. */
function restoreFacts(of: RestoreRun = {}): readonly RunFact[] {
  const exitCode = of.exitCode ?? 0;
  return [
    {
      event: "opened",
      kind: of.kind ?? "recovery",
      cluster: "shop",
      runbook: { id: "restore-to-scratch", version: "1.0", sha256: "" },
      inputs: {
        method: "restore-to-scratch",
        point: "20261119T010440Z-base",
        repository: "main",
        systemIdentifier: "7312",
        bytes: 2_000_000_000,
        replayFrom: "0/0",
        replayUntil: "0/11E1A300",
        ...of.inputs,
      },
      actor: { user: "ana", host: of.host ?? hostname(), pid: 1 },
      version: "0.1.0",
    },
    {
      event: "planned",
      steps: [
        step("restore", "restore.files", of.confirm ?? "none"),
        step("replay", "recovery.replay", "none"),
        step("smoke", "verify.smoke", "none"),
      ],
    },
    { event: "started", pid: 1, attempt: 1 },
    ...(of.restoring ?? worked("restore", of.restoreMilliseconds ?? 10_000)),
    ...worked("replay", 3_000),
    { event: "step-finished", step: "smoke", result: "skipped", reason: "none", milliseconds: 0 },
    ...(of.more ?? []),
    { event: "ended", outcome: { result: exitCode === 0 ? "done" : "failed", exitCode, message: "m" } },
  ];
}

/** The state that the facts lead to, one second apart from 2026-11-14 03:00:00 UTC on. */
export function restoreState(of: RestoreRun = {}): RunState {
  const began = moment("2026-11-14T03:00:00Z");
  return fold(
    restoreFacts(of).map((fact, i): JournalEvent => ({
      schema: "pgrescue.event/v1",
      run: of.run ?? "R20261114-0300-xyz",
      seq: i + 1,
      at: formatInstant(instant(began + BigInt(i) * 1_000_000n)),
      prev: "",
      ...fact,
    })),
  );
}

/** Writes such a run into a state directory, as a runner would have left it. */
export async function writeRestoreRun(
  stateDirectory: string,
  of: RestoreRun & { readonly run: string },
): Promise<void> {
  await mkdir(stateDirectory, { recursive: true });
  const facts = restoreFacts(of);
  const [opened] = facts;
  if (opened?.event !== "opened") throw new Error("a run begins with being opened");
  const { kind, cluster, inputs, actor, version } = opened;
  const spec = { run: of.run, kind, cluster, inputs, actor, version, confirm: "shop", sha256: "", lock: null };
  await createRunDirectory(stateDirectory, {
    schema: "pgrescue.run-spec/v1",
    ...spec,
    runbook: { schema: "pgrescue.runbook/v1", id: "r", version: "1.0", title: "r", summary: "s", steps: [] } as never,
    settings: {},
  });
  const began = moment("2026-11-14T03:00:00Z");
  let ticks = 0n;
  const { journal } = await openJournal(join(runsDirectory(stateDirectory), of.run, runFiles.journal), {
    run: of.run,
    clock: { now: () => instant(began + 1_000_000n * ticks++) } as never,
  });
  for (const fact of facts) await journal.append(fact);
  await journal.close();
}

import { randomInt } from "node:crypto";
import { loadRunbook } from "../../adapters/config/runbook-file.ts";
import { systemClock } from "../../adapters/system/clock.ts";
import type { Json } from "../../domain/brand.ts";
import { runId } from "../../domain/run/run-id.ts";
import type { RunSpec } from "../../domain/run/spec.ts";
import type { Settings } from "../settings.ts";
import { version } from "../version.ts";
import { currentActor } from "./actor.ts";
import { settingsForRun } from "./wiring.ts";

export interface NewRun {
  readonly kind: RunSpec["kind"];
  readonly cluster: string;
  /** Name of a shipped or site runbook. */
  readonly runbook: string;
  readonly inputs: { readonly [key: string]: Json };
  readonly confirm: string;
  readonly lock: RunSpec["lock"];
}

/** Writes down what a new run is: its name, its runbook as it is now, its plan. Nothing is started. */
export async function describeRun(
  run: NewRun,
  settings: Settings,
  env: { readonly [name: string]: string | undefined },
): Promise<RunSpec> {
  const { runbook, sha256 } = await loadRunbook(run.runbook, env);
  return {
    schema: "pgrescue.run-spec/v1",
    run: runId(systemClock.now(), randomInt(2 ** 31)),
    kind: run.kind,
    cluster: run.cluster,
    runbook,
    sha256,
    inputs: run.inputs,
    confirm: run.confirm,
    actor: await currentActor(env),
    version,
    lock: run.lock,
    settings: settingsForRun(settings),
  };
}

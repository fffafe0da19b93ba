import type { Json } from "../brand.ts";
import type { Runbook } from "../runbook.ts";
import type { Actor, RunKind } from "./events.ts";

/**
 * What a run was opened with: spec.json in its directory, written once. Together with the journal it is all that
 * `continue` needs. Never holds a secret.
 */
export interface RunSpec {
  readonly schema: "pgrescue.run-spec/v1";
  readonly run: string;
  readonly kind: RunKind;
  readonly cluster: string;
  /** The runbook as it was: a newer pgrescue goes on with the steps that were shown and confirmed. */
  readonly runbook: Runbook;
  readonly sha256: string;
  readonly inputs: { readonly [key: string]: Json };
  /** What the operator types before production changes: `<cluster>@<host>`. */
  readonly confirm: string;
  readonly actor: Actor;
  /** pgrescue's version. */
  readonly version: string;
  /** What one run at a time may hold; null where the run changes nothing of a server's. */
  readonly lock: { readonly systemIdentifier: string; readonly dataDirectory: string } | null;
  /** What compose.ts needs to open the same world again: paths and names, never secrets. */
  readonly settings: { readonly [key: string]: Json };
}

/** How one attempt is started: launch.json, replaced by each `continue`. */
export interface RunLaunch {
  readonly schema: "pgrescue.run-launch/v1";
  /** Whether questions may wait for a person; otherwise a missing answer ends the attempt. */
  readonly interactive: boolean;
  /** Answers given in advance, by the name of the flag: {confirm: "shop@db1", yes: "yes"}. */
  readonly answers: { readonly [flag: string]: string };
  readonly actor: Actor;
  /** `undo` takes finished steps back instead of going on. */
  readonly task: "run" | "undo";
  /** How long another run may hold the cluster before this one gives up (`--lock-wait`). */
  readonly lockWaitMilliseconds?: number;
}

import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { systemClock } from "../../adapters/system/clock.ts";
import { isGone, ownMark } from "../../adapters/system/process-identity.ts";
import { leasedRepositories, type LeaseHolder } from "../../domain/lease.ts";
import type { RunKind } from "../../domain/run/events.ts";
import type { RunSpec } from "../../domain/run/spec.ts";
import { createRunLeases } from "../../engine/lease/run-leases.ts";
import type { World } from "../../engine/world.ts";

/** A run's world in which repositories are only written to under their leases. */
export interface OpenedLeases {
  readonly world: World;
  /** Gives the leases back. */
  release(): Promise<void>;
}

/** What a holder's command is called. */
const commands: { readonly [kind in RunKind]: string } = {
  recovery: "recover",
  backup: "backup",
  verify: "verify",
  drill: "drill",
  expiry: "expire",
  copy: "copy",
};

/**
 * Opens a run's world and takes the leases that the run needs from its beginning; a recovery takes one only for the backup
 * at its end. Throws `locked` where another run has one.
 */
export async function openLeases(
  spec: RunSpec,
  user: string,
  openWorld: (guard: (repository: string) => Promise<void>) => Promise<World>,
): Promise<OpenedLeases> {
  const leases = createRunLeases({
    cluster: spec.cluster,
    holder: {
      host: hostname(),
      pid: process.pid,
      process: await ownMark(),
      user,
      run: spec.run,
      command: commands[spec.kind],
    },
    clock: systemClock,
    newToken: randomUUID,
    repository: (name) => opened.repository(name),
    isGone: holderIsGone,
    // The runner's log.
    warn: (text) => void process.stderr.write(`${text}\n`),
  });
  const opened = await openWorld((name) => leases.guard(name));
  await leases.take(leasedRepositories(spec.kind, spec.inputs));
  return { world: { ...opened, backups: leases.around(opened.backups) }, release: () => leases.release() };
}

/** Whether a holder's process has ended for certain; null where this host cannot know. */
export async function holderIsGone({ pid, process: mark }: LeaseHolder): Promise<boolean | null> {
  return isGone(pid, mark);
}

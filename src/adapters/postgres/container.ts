import { readFile } from "node:fs/promises";
import type { ControlFinding, DataDirectory } from "../../ports/postgres.ts";
import { commandLineOf } from "./postmaster.ts";

/**
 * A refusal when the postmaster is, or hangs below, a container's first process that would end or restart with it; null
 * otherwise. Recognised: the server itself as process 1 (the official images), CloudNativePG's instance manager, and
 * process supervisors of images as the direct parent.
 */
export async function managedByContainer(directory: DataDirectory): Promise<ControlFinding | null> {
  if (directory.postmaster === null) return null;
  const { pid } = directory.postmaster;
  if (pid === 1) {
    return {
      kind: "refused",
      message:
        "the server is its container's first process: stopping it ends the container, which is then started again",
      next: "Scale the workload to zero and run pgrescue beside the volume, or restore to another directory.",
    };
  }
  const parent = await parentOf(pid);
  const line = parent === null ? "" : (await commandLineOf(parent)).join(" ");
  if (/\/controller\/manager\b.*\binstance\b/.test(line)) {
    return {
      kind: "refused",
      message: "cloudnativepg's instance manager runs this server and would start it again",
      next: "Recover into a new Cluster with bootstrap.recovery, or fence this instance first (`kubectl cnpg fencing on`).",
    };
  }
  if (/\b(s6-supervise|runsv|supervisord|supervisor)\b/.test(line)) {
    return {
      kind: "refused",
      message: `a supervisor runs this server and would start it again: ${line.slice(0, 80)}`,
      next: "Name start, stop and status commands in the configuration: `control: {kind: command, ...}`.",
    };
  }
  return null;
}

async function parentOf(pid: number): Promise<number | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? "0");
  return parent > 0 ? parent : null;
}

import { access, readFile } from "node:fs/promises";
import type { DataDirectory } from "../../ports/postgres.ts";
import type { Shell } from "../../ports/shell.ts";

/** What systemd says of a unit. `restart` is its Restart= setting. */
export interface Unit {
  readonly name: string;
  readonly restart: string;
  readonly mainPid: number;
}

/**
 * The unit that the running postmaster belongs to, by its control group; null when none runs, when systemd is not in charge,
 * or when the group is a login session, a container runtime or another service that only happened to start it.
 */
export async function unitOf(shell: Shell, directory: DataDirectory): Promise<string | null> {
  if (directory.postmaster === null || !(await isSystemd())) return null;
  const groups = await readFile(`/proc/${directory.postmaster.pid}/cgroup`, "utf8").catch(() => "");
  const name = unitInCgroup(groups);
  const unit = name === null ? null : await readUnit(shell, name);
  return unit !== null && unit.mainPid === directory.postmaster.pid ? unit.name : null;
}

/** The innermost `.service` of a /proc/PID/cgroup text; null where there is none. */
export function unitInCgroup(text: string): string | null {
  for (const line of text.split("\n")) {
    const path = line.split(":").slice(2).join(":");
    const services = path.split("/").filter((part) => part.endsWith(".service"));
    const name = services.at(-1);
    // user@1000.service holds everything a user starts by hand.
    if (name !== undefined && !name.startsWith("user@")) return name;
  }
  return null;
}

/** Asks `systemctl show`; null when it does not know the unit. No rights are needed. */
export async function readUnit(shell: Shell, name: string): Promise<Unit | null> {
  const result = await shell
    .run(["systemctl", "show", "--property=LoadState,Restart,MainPID", "--", name], { timeout: 10_000 })
    .catch(() => null);
  if (result === null || result.exit !== 0 || !result.stdout.includes("LoadState=loaded")) return null;
  const value = (property: string) => new RegExp(`^${property}=(.*)$`, "m").exec(result.stdout)?.[1] ?? "";
  return { name, restart: value("Restart"), mainPid: Number(value("MainPID")) };
}

/** Whether systemd is process 1 here (sd_booted). */
async function isSystemd(): Promise<boolean> {
  return await access("/run/systemd/system").then(
    () => true,
    () => false,
  );
}

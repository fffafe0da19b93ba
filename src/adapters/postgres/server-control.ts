import { readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import type {
  ControlFinding,
  ControlRequest,
  DataDirectory,
  Installation,
  ServerControl,
} from "../../ports/postgres.ts";
import type { Shell } from "../../ports/shell.ts";
import { debianCluster, findConfiguration } from "./config-files.ts";
import { managedByContainer } from "./container.ts";
import { readPatroni } from "./patroni.ts";
import { startCommand } from "./server-commands.ts";
import { readUnit, unitOf, type Unit } from "./systemd.ts";
import { hasBroker } from "../system/broker.ts";

/** What finding out who manages a server works with. */
export interface ControlContext {
  readonly shell: Shell;
  readonly installation: Installation;
}

/**
 * Who starts and stops the server on a data directory. What would bring a stopped server back, or fail over, is refused with
 * the way to hold it: stopping production under Patroni, an operator, or a restarting unit loses the race.
 */
export async function findControl(
  context: ControlContext,
  directory: DataDirectory,
  request: ControlRequest,
): Promise<ControlFinding> {
  if (request.kind === "command") {
    const { start, stop, status } = request;
    return { kind: "control", control: { kind: "command", start, stop, status }, because: "configured" };
  }
  const patroni = await readPatroni(directory.path);
  if (patroni.state === "manages") {
    return {
      kind: "refused",
      message: `patroni manages ${directory.path} and would start it again or fail over`,
      next: "Hold it with `patronictl pause --wait` (and `patronictl resume` at the end), then run this again.",
    };
  }
  const container = await managedByContainer(directory);
  if (container !== null) return container;
  if (request.kind === "systemd" && request.unit !== undefined)
    return await bySystemd(context, directory, request.unit);
  if (request.kind === "auto" || request.kind === "pg_ctlcluster") {
    const cluster = await debianClusterOf(directory);
    if (cluster !== null && (await hasProgram("/usr/bin/pg_ctlcluster"))) return byCluster(cluster);
    if (request.kind === "pg_ctlcluster")
      return refuse(
        `${directory.path} is not a cluster of postgresql-common`,
        "Set `control.kind` to auto, or name start, stop and status commands.",
      );
  }
  const unit = request.kind === "pg_ctl" || request.kind === "patroni" ? null : await unitOf(context.shell, directory);
  if (unit !== null) return await bySystemd(context, directory, unit);
  if (request.kind === "systemd")
    return refuse(
      `no systemd unit is known for ${directory.path}`,
      "Name it in the configuration as `control: {kind: systemd, unit: NAME}`.",
    );
  const restarting = await unitOf(context.shell, directory);
  if (restarting !== null) {
    const details = await readUnit(context.shell, restarting);
    if (details !== null && restarts(details))
      return refuse(
        `unit ${restarting} starts the server again after pg_ctl stops it`,
        "Leave `control.kind` at auto, so that it is stopped through its unit.",
      );
  }
  return {
    kind: "control",
    control: await byPgCtl(context.installation, directory),
    because: patroni.state === "paused" ? "patroni is paused" : "nothing else manages it",
  };
}

function byCluster({ version, name }: { readonly version: string; readonly name: string }): ControlFinding {
  const words = ["pg_ctlcluster", version, name];
  return {
    kind: "control",
    // Under systemd pg_ctlcluster goes through postgresql@ by itself when it may; run as the owner it is a clean stop, which that unit lets be.
    control: {
      kind: "pg_ctlcluster",
      start: [...words, "start"],
      stop: [...words, "stop", "--mode", "fast"],
      status: [...words, "status"],
    },
    because: `it is the cluster ${version}/${name} of postgresql-common`,
  };
}

async function bySystemd(context: ControlContext, directory: DataDirectory, unit: string): Promise<ControlFinding> {
  const words = (verb: string) => ["systemctl", "--no-ask-password", verb, unit];
  const control = (prefix: readonly string[]): ControlFinding => ({
    kind: "control",
    control: {
      kind: "systemd",
      start: [...prefix, ...words("start")],
      stop: [...prefix, ...words("stop")],
      status: words("is-active"),
    },
    because: `it runs as the unit ${unit}`,
  });
  if (process.getuid?.() === 0 || hasBroker()) return control([]);
  const mayStop = await context.shell
    .run(["sudo", "-n", "-l", "--", ...words("stop")], { timeout: 10_000 })
    .catch(() => null);
  if (mayStop?.exit === 0) return control(["sudo", "-n"]);
  const details = await readUnit(context.shell, unit);
  if (details === null || restarts(details)) {
    return refuse(
      `unit ${unit} starts the server again after a stop, and this user may not ask systemd`,
      `Configure \`control: {kind: command, start: [sudo, systemctl, start, ${unit}], stop: [sudo, systemctl, stop, ${unit}], status: [systemctl, is-active, ${unit}]}\` and allow these in sudoers.`,
    );
  }
  return {
    kind: "control",
    control: await byPgCtl(context.installation, directory),
    because: `unit ${unit} lets a clean stop be; hand it back with \`systemctl restart ${unit}\` afterwards`,
  };
}

function restarts(unit: Unit): boolean {
  return unit.restart === "always" || unit.restart === "on-success";
}

async function byPgCtl(installation: Installation, directory: DataDirectory): Promise<ServerControl> {
  const files = directory.major === null ? null : await findConfiguration(directory.path, directory.major);
  const program = [join(installation.bin, "pg_ctl"), "-D", directory.path];
  const start = startCommand({
    installation,
    dataDirectory: directory.path,
    settings: files?.startSettings ?? {},
    logFile: await logOf(directory),
  });
  return {
    kind: "pg_ctl",
    start: start.map((argument) => (argument === "-W" ? "-w" : argument)),
    stop: [...program, "-m", "fast", "-w", "-t", "600", "stop"],
    status: [...program, "status"],
  };
}

/** Where the server's stderr goes now; a file of its own in the data directory when that is not a file. */
async function logOf(directory: DataDirectory): Promise<string> {
  const otherwise = join(directory.path, "pgrescue-server.log");
  if (directory.postmaster === null) return otherwise;
  const target = await readlink(`/proc/${directory.postmaster.pid}/fd/2`).catch(() => "");
  const isFile =
    target.startsWith("/") &&
    !target.startsWith("/dev/") &&
    (await stat(target).then(
      (s) => s.isFile(),
      () => false,
    ));
  return isFile ? target : otherwise;
}

async function debianClusterOf(
  directory: DataDirectory,
): Promise<{ readonly version: string; readonly name: string } | null> {
  const major = directory.major ?? Number(/\/(\d+)\/[^/]+\/?$/.exec(directory.path)?.[1] ?? "0");
  const files = await findConfiguration(directory.path, major);
  return files === null ? null : debianCluster(files.configFile);
}

async function hasProgram(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

function refuse(message: string, next: string): ControlFinding {
  return { kind: "refused", message, next };
}

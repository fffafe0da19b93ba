import { readdir, readlink, realpath, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { PgrescueError } from "../../domain/errors.ts";
import { isUnfinishedMarker, restoreMarker } from "../../domain/restore-marker.ts";
import { isNoContent } from "../../domain/set-aside.ts";
import type { ControlData, DataDirectory, DataDirectoryKind, Installation } from "../../ports/postgres.ts";
import type { OsUser } from "../../ports/shell.ts";
import { ownerOf } from "../system/users.ts";
import { majorOf } from "./control-data.ts";
import { findPostmaster, isWorkedIn, readPidFile } from "./postmaster.ts";

/** How `inspectDataDirectory` gets control data for a major version; null where no programs of it are installed. */
export type ControlReader = (dataDirectory: string, major: number) => Promise<ControlData | null>;

/** Looks at a data directory without changing anything. Throws `precondition-refused` when it may not be read. */
export async function inspectDataDirectory(path: string, readControl: ControlReader): Promise<DataDirectory> {
  const names = await list(path);
  if (names === null) return { ...nothing, path, kind: "missing" };
  const info = await stat(path);
  const kind = kindOf(names);
  const major = await majorOf(path);
  const isCluster = kind === "cluster";
  const pidFile = await readPidFile(path);
  const postmaster = await findPostmaster(path);
  return {
    path,
    kind,
    owner: await owner(path),
    mode: info.mode & 0o7777,
    major,
    control: isCluster && major !== null && names.includes("global") ? await readControl(path, major) : null,
    postmaster:
      postmaster === null
        ? null
        : { pid: postmaster.pid, port: postmaster.port, socketDirectory: postmaster.socketDirectory },
    stalePidFile: pidFile !== null && postmaster === null && !(await isWorkedIn(path)),
    hasBackupLabel: names.includes("backup_label"),
    // PostgreSQL looks for standby.signal first, and it wins.
    signalFile: names.includes("standby.signal")
      ? "standby.signal"
      : names.includes("recovery.signal")
        ? "recovery.signal"
        : null,
    hasRecoveryConf: names.includes("recovery.conf"),
    walLink: await targetOf(join(path, "pg_wal")),
    tablespaceLinks: await tablespaceLinks(join(path, "pg_tblspc")),
  };
}

const nothing: Omit<DataDirectory, "path" | "kind"> = {
  owner: null,
  mode: null,
  major: null,
  control: null,
  postmaster: null,
  stalePidFile: false,
  hasBackupLabel: false,
  signalFile: null,
  hasRecoveryConf: false,
  walLink: null,
  tablespaceLinks: {},
};

function kindOf(names: readonly string[]): DataDirectoryKind {
  if (names.includes(restoreMarker)) return "unfinished-restore";
  const content = names.filter((name) => !isNoContent(name));
  if (content.length === 0) return "empty";
  // The mark is the first thing that a restore writes, so beside its beginnings there can be nothing else.
  if (content.every(isUnfinishedMarker)) return "unfinished-restore";
  return names.includes("PG_VERSION") ? "cluster" : "other-files";
}

async function list(path: string): Promise<readonly string[] | null> {
  try {
    return await readdir(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    if (code === "ENOENT") return null;
    if (code === "ENOTDIR")
      throw new PgrescueError("precondition-refused", `${path} is a file, not a directory`, { cause: error });
    throw new PgrescueError("precondition-refused", `cannot look into ${path} (${String(code)})`, {
      next: "Run pgrescue as the user that owns the data directory, or as root.",
      cause: error,
    });
  }
}

async function owner(path: string): Promise<OsUser | null> {
  return await ownerOf(path).catch(() => null);
}

/** Where a link leads, absolute: one that somebody made may be relative to where it lies. null: it is none. */
async function targetOf(link: string): Promise<string | null> {
  const target = await readlink(link).catch(() => null);
  return target === null ? null : resolve(await realpath(dirname(link)), target);
}

async function tablespaceLinks(path: string): Promise<{ readonly [oid: string]: string }> {
  const links: Record<string, string> = {};
  for (const name of await readdir(path).catch(() => [])) {
    // Tablespaces that lie in place (allow_in_place_tablespaces) are directories.
    const target = /^\d+$/.test(name) ? await targetOf(join(path, name)) : null;
    if (target !== null) links[name] = target;
  }
  return links;
}

/** Control data of a directory by an installation that `find` gives; null where there is none or it cannot be read. */
export function controlReader(
  find: (major: number) => Promise<Installation>,
  read: (dataDirectory: string, installation: Installation) => Promise<ControlData>,
): ControlReader {
  return async (dataDirectory, major) => {
    const installation = await find(major).catch(() => null);
    return installation === null ? null : await read(dataDirectory, installation).catch(() => null);
  };
}

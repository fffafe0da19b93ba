import { spawn } from "node:child_process";
import { lchown, mkdir, stat } from "node:fs/promises";
import { constants } from "node:os";
import { dirname, resolve } from "node:path";
import { asUser, createShell } from "../adapters/system/exec.ts";
import { startBroker } from "../adapters/system/broker.ts";
import { programFor } from "../adapters/system/program.ts";
import { removeEmpty } from "../adapters/system/remove.ts";
import { findUser, ownerOf } from "../adapters/system/users.ts";
import { errorKinds, PgrescueError } from "../domain/errors.ts";
import type { OsUser } from "../ports/shell.ts";
import type { Arguments, Terminal } from "./command.ts";
import { privilegedCommands } from "./privileged.ts";
import type { Settings } from "./settings.ts";

/**
 * As root, runs the same command line as the owner of the data directory (with that user's groups), because PostgreSQL
 * refuses root and restored files must not belong to it. Directories that only root can make are made first.
 * Gives the exit code; null when we already are the right user.
 */
export async function runAsOwner(
  verb: string,
  args: Arguments,
  settings: Settings | null,
  terminal: Terminal,
): Promise<number | null> {
  if (process.getuid?.() !== 0) return null;
  const owner = await chooseOwner(args, settings, terminal);
  const made = await makeDirectories(
    [...(await tablespacesBeside(args, owner, terminal)), ...directoriesToMake(args, settings, terminal)],
    owner,
  );
  const program = await programFor(owner, createShell());
  const home = (await findUser(owner.uid))?.home ?? "/";
  const { XDG_STATE_HOME: _state, XDG_CONFIG_HOME: _config, XDG_RUNTIME_DIR: _runtime, ...env } = terminal.env;
  const [file = "", ...rest] = asUser(
    [program.node, program.script, ...(verb === "console" ? [] : [verb]), ...args.words],
    owner,
  );
  const privileged = changesServers.has(verb) ? await privilegedCommands(settings, terminal.env) : [];
  const broker =
    privileged.length === 0 ? null : await startBroker([program.node, program.script, "__broker"], privileged);
  const child = spawn(file, rest, {
    stdio: ["inherit", "inherit", "inherit", ...(broker === null ? [] : ["ignore" as const, broker.link])],
    env: {
      ...env,
      ...broker?.env,
      HOME: home,
      USER: owner.name,
      LOGNAME: owner.name,
      ...(settings?.loaded.file == null ? {} : { PGRESCUE_CONFIG: settings.loaded.file }),
    },
  });
  // The owner's process and its runner hold the link now; the broker ends when they do.
  broker?.link.destroy();
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  // The terminal sends SIGINT to the child as well; only signals meant for us alone are passed on.
  const ignore = (): void => undefined;
  process.on("SIGTERM", forward).on("SIGHUP", forward).on("SIGINT", ignore);
  const code = await new Promise<number>((done, fail) => {
    child.once("error", fail);
    child.once("exit", (code, signal) => done(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
  // Nothing was begun: no run will come back to these places.
  if (args.flag("dry-run") || refusals.includes(code)) await removeEmpty(made);
  return code;
}

/** Exit codes after which nothing is at work. */
const refusals: readonly number[] = [errorKinds.usage.exit, errorKinds["no-recovery-point"].exit];

/** Makes what is not there and gives it to the owner; what was made, the deepest first. */
async function makeDirectories(directories: readonly string[], owner: OsUser): Promise<readonly string[]> {
  const all: string[] = [];
  for (const directory of directories) {
    const first = await mkdir(directory, { recursive: true, mode: 0o700 });
    // Only what was made now changes hands: from the directory up to the first new one.
    if (first === undefined) continue;
    for (let made = directory; made.length >= first.length; made = dirname(made)) {
      // Not through a link that somebody who owns a directory above has put there meanwhile.
      await lchown(made, owner.uid, owner.gid);
      all.push(made);
    }
  }
  return all.toSorted((a, b) => b.length - a.length);
}

/** Verbs whose runs may stop or start a server, or call hooks. */
const changesServers: ReadonlySet<string> = new Set(["recover", "continue", "console", "abort"]);

async function chooseOwner(args: Arguments, settings: Settings | null, terminal: Terminal): Promise<OsUser> {
  const candidates = [settings?.cluster?.dataDirectory, args.string("data-dir"), args.string("to")].flatMap((path) =>
    path === undefined ? [] : [resolve(terminal.cwd, path)],
  );
  for (const path of candidates) {
    if (await exists(path)) {
      const owner = await ownerOf(path);
      if (owner.uid !== 0) return owner;
    }
  }
  const postgres = await findUser("postgres");
  if (postgres === null)
    throw new PgrescueError("precondition-refused", "running as root, and there is no user postgres to work as", {
      next: "Install PostgreSQL's packages, or run pgrescue as the user that owns the data directory.",
    });
  return { name: postgres.name, uid: postgres.uid, gid: postgres.gid };
}

function directoriesToMake(args: Arguments, settings: Settings | null, terminal: Terminal): readonly string[] {
  const tablespaces = args.strings("tablespace").map((pair) => pair.slice(pair.indexOf("=") + 1));
  const output = args.string("output");
  const repository = output === undefined ? undefined : args.string("repository");
  const asked = [
    args.string("to"),
    args.string("state-dir"),
    ...tablespaces,
    // `init` makes a repository and a place for the configuration.
    output === undefined ? undefined : dirname(output),
    repository?.includes("://") === true ? undefined : repository,
  ].flatMap((path) => (path === undefined || path === "" ? [] : [resolve(terminal.cwd, path)]));
  const configured = [settings?.loaded.config.stateDirectory, settings?.cluster?.scratch.directory].flatMap((path) =>
    path === undefined ? [] : [path],
  );
  return [...asked, ...configured];
}

/** Where a scratch restore puts tablespaces unless it is told otherwise, if the owner could not make it there. */
async function tablespacesBeside(args: Arguments, owner: OsUser, terminal: Terminal): Promise<readonly string[]> {
  const to = args.string("to");
  // In place they go back to where they were.
  if (to === undefined || to === "" || args.string("method") === "rewind-in-place") return [];
  const directory = resolve(terminal.cwd, to);
  const parent = await stat(dirname(directory)).catch(() => null);
  if (parent === null) return [];
  const bit = parent.uid === owner.uid ? 0o200 : parent.gid === owner.gid ? 0o020 : 0o002;
  return (parent.mode & bit) === 0 ? [`${directory}.tablespaces`] : [];
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

import { archiverTrouble } from "../adapters/postgres/backup/wal-wait.ts";
import { compose, type Composition } from "../compose.ts";
import type { Json } from "../domain/brand.ts";
import { commandLine } from "../domain/command-line.ts";
import { PgrescueError } from "../domain/errors.ts";
import { parseDuration } from "../domain/quantity.ts";
import type { Repository } from "../ports/repository.ts";
import type { Sql } from "../ports/sql.ts";
import { runAsOwner } from "./as-owner.ts";
import type { Arguments, Command, Terminal } from "./command.ts";
import { dumpInputsOf } from "./dump-options.ts";
import { openRepositories, reachableOf } from "./open-repositories.ts";
import { lockOptions } from "./run/lock-options.ts";
import { runUnattended } from "./run/unattended.ts";
import { openSettings, requireCluster, type Settings } from "./settings.ts";

export const command: Command = {
  summary: "name this moment, so that it can be gone back to",
  usage: "mark NAME [--dump DATABASE]...",
  description:
    "Writes a restore point into the WAL, ends the segment, and waits until every repository of the cluster has it:\nwhen it ends, `recover --target-name NAME` works. For what comes before a deployment or a migration. Names\nshould occur once: PostgreSQL stops at the first one behind the backup.",
  options: {
    dump: {
      type: "string",
      value: "DATABASE",
      summary: "dump this database, too, labelled with the name",
      multiple: true,
    },
    timeout: { type: "string", value: "DURATION", summary: "how long to wait for the archive (default 10m)" },
    "dry-run": { type: "boolean", summary: "ask the server and the repositories; change nothing" },
    ...lockOptions,
  },
  examples: [
    "pgrescue mark before-release-4711",
    "pgrescue mark before-migration --dump shop # and a dump of a small database, restored in a minute",
  ],
  positionals: { min: 1, max: 1 },
  run: async (args, terminal) => {
    const name = nameOf(args);
    const seconds = timeoutOf(args);
    const settings = requireCluster(await openSettings(args, terminal));
    const code = await runAsOwner("mark", args, settings, terminal);
    if (code !== null) return code;
    const world = compose(settings, terminal.env);
    const { written: repositories, unknown } = await writtenRepositories(settings, world, terminal);
    const mark = await placeMark(
      name,
      { settings, world, repositories, seconds, isDry: args.flag("dry-run") },
      terminal,
    );
    const dump = args.strings("dump").length === 0 ? null : await dumpToo(name, settings, args, terminal);
    if (args.flag("json"))
      terminal.print(
        JSON.stringify({
          schema: "pgrescue.mark/v1",
          name,
          at: mark?.at ?? null,
          lsn: mark?.lsn ?? null,
          segment: mark?.segment ?? null,
          repositories: repositories.map((repository) => repository.name),
          unknown,
          dump: dump?.document ?? null,
        }),
      );
    else if (mark !== null) {
      const isOnly = Object.keys(settings.loaded.config.clusters).length === 1;
      const cluster = isOnly ? [] : ["--cluster", settings.clusterName];
      terminal.print(commandLine(["pgrescue", "recover", ...cluster, "--target-name", name]));
    }
    return dump?.exit ?? 0;
  },
};

/** The repositories that WAL goes to; says which of them cannot be asked. Throws `config` where none is left. */
async function writtenRepositories(
  settings: Settings,
  world: Composition,
  terminal: Terminal,
): Promise<{ readonly written: readonly Repository[]; readonly unknown: readonly string[] }> {
  const opened = await openRepositories(settings, world);
  const reachable = reachableOf(opened);
  const unknown = opened.map(({ name }) => name).filter((name) => !reachable.includes(name));
  for (const name of unknown) terminal.log(`${name} cannot be reached: whether the mark is there is not known`);
  const written = opened.filter(({ name, readOnly }) => reachable.includes(name) && !readOnly);
  if (written.length > 0) return { written, unknown };
  throw new PgrescueError("config", "no repository that WAL is written to can be reached", {
    next: "See `pgrescue doctor`.",
  });
}

/** A restore point as the server wrote it. */
interface Mark {
  /** By the server's clock, UTC. */
  readonly at: string;
  readonly lsn: string;
  /** The segment in which it ends. */
  readonly segment: string;
}

interface Marking {
  readonly settings: Settings & { readonly clusterName: string };
  readonly world: Composition;
  readonly repositories: readonly Repository[];
  readonly seconds: number;
  readonly isDry: boolean;
}

/** Writes the restore point and waits for it in the archives; null where nothing was to be changed. */
async function placeMark(name: string, marking: Marking, terminal: Terminal): Promise<Mark | null> {
  const { settings, world, repositories } = marking;
  const target = await world.connection(settings.clusterName);
  const sql = await world.sql.connect(target);
  try {
    await requireArchiving(sql, target.user);
    const { systemIdentifier } = await world.postgres.identify(sql, target);
    const where = repositories.map((repository) => repository.name).join(", ");
    if (marking.isDry) {
      terminal.log(`would write restore point ${name}, end the segment, and wait for it in ${where}`);
      return null;
    }
    const [mark] = await sql.query<{ lsn: string; segment: string; at: string }>(
      `select lsn::text as lsn, pg_catalog.pg_walfile_name(lsn) as segment,
              to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at
       from pg_catalog.pg_create_restore_point($1) as lsn`,
      [name],
    );
    if (mark === undefined) throw new PgrescueError("bug", "pg_create_restore_point gave no row");
    await sql.query("select pg_catalog.pg_switch_wal()");
    terminal.log(`${name} is at ${mark.lsn}, ${mark.at.slice(0, 19)}Z; waiting for ${mark.segment} in ${where}`);
    await archived(name, mark.segment, systemIdentifier, sql, marking, terminal);
    terminal.log(`archived in ${where}`);
    return mark;
  } finally {
    await sql.close();
  }
}

/** Throws `precondition-refused` where no restore point could be written, or would never be archived. */
async function requireArchiving(sql: Sql, user: string): Promise<void> {
  const [row] = await sql.query<{ standby: boolean; mode: string; allowed: boolean }>(
    `select pg_catalog.pg_is_in_recovery() as standby, pg_catalog.current_setting('archive_mode') as mode,
            pg_catalog.has_function_privilege('pg_catalog.pg_create_restore_point(text)', 'execute')
              and pg_catalog.has_function_privilege('pg_catalog.pg_switch_wal()', 'execute') as allowed`,
  );
  if (row?.standby === true)
    throw new PgrescueError("precondition-refused", "this server is a standby: it writes no WAL of its own", {
      next: "Mark on the primary.",
    });
  if (row?.mode === "off")
    throw new PgrescueError("precondition-refused", "archive_mode is off: the mark would never reach a repository", {
      next: "`pgrescue doctor` prints the settings; this one needs a restart.",
    });
  if (row?.allowed !== true)
    throw new PgrescueError("precondition-refused", `${user} may not write restore points`, {
      next: `As a superuser: GRANT EXECUTE ON FUNCTION pg_create_restore_point(text), pg_switch_wal() TO ${user};`,
    });
}

const pollMilliseconds = 300;
const sayEveryMilliseconds = 5000;

async function archived(
  name: string,
  segment: string,
  systemIdentifier: string,
  sql: Sql,
  { settings, world, repositories, seconds }: Marking,
  terminal: Terminal,
): Promise<void> {
  const { clock } = world;
  const began = clock.monotonic();
  let said = began;
  for (const repository of repositories) {
    const archive = repository.wal(settings.clusterName, systemIdentifier);
    while (!(await archive.has(segment))) {
      const waited = clock.monotonic() - began;
      if (waited > seconds * 1000) throw notArchived(name, segment, repository.name, await archiverTrouble(sql));
      if (clock.monotonic() - said > sayEveryMilliseconds) {
        said = clock.monotonic();
        const trouble = await archiverTrouble(sql);
        terminal.log(
          `waiting for ${segment} in ${repository.name} for ${Math.round(waited / 1000)} s${trouble === null ? "" : `; ${trouble}`}`,
        );
      }
      await clock.sleep(pollMilliseconds, new AbortController().signal);
    }
  }
}

function notArchived(name: string, segment: string, repository: string, trouble: string | null): PgrescueError {
  return new PgrescueError(
    "external-failure",
    `segment ${segment} did not reach ${repository} in time${trouble === null ? "" : `: ${trouble}`}`,
    {
      means: `Restore point ${name} is in the WAL; it can be gone back to once that segment is archived, not before.`,
      next: "Look at pg_stat_archiver and the server's log, then see `pgrescue wal-verify`. Do not rely on the mark until then.",
    },
  );
}

/** Dumps the databases as a run of its own. With --json its document becomes a part of the answer. */
async function dumpToo(
  name: string,
  settings: Settings & { readonly clusterName: string },
  args: Arguments,
  terminal: Terminal,
): Promise<{ readonly exit: number; readonly document: Json }> {
  const databases = args.strings("dump");
  const words: Arguments = {
    ...args,
    string: (option) => (option === "label" ? name : args.string(option)),
    strings: (option) => (option === "database" ? databases : []),
    flag: (option) => args.flag(option),
  };
  const inputs = dumpInputsOf(settings, words, null);
  const printed: string[] = [];
  const exit = await runUnattended(
    {
      kind: "backup",
      cluster: settings.clusterName,
      runbook: "dump",
      inputs: JSON.parse(JSON.stringify(inputs)),
      confirm: settings.clusterName,
    },
    settings,
    words,
    args.flag("json") ? { ...terminal, print: (line) => void printed.push(line) } : terminal,
  );
  return { exit, document: printed.length === 0 ? null : (JSON.parse(printed.join("\n")) as Json) };
}

function nameOf(args: Arguments): string {
  const [name = ""] = args.positionals;
  const bytes = Buffer.byteLength(name);
  if (bytes === 0 || bytes > 63 || /\p{Cc}/u.test(name))
    throw new PgrescueError("usage", `${JSON.stringify(name)} is no name for a restore point`, {
      next: "PostgreSQL takes 1 to 63 bytes; choose something that occurs once, like before-release-4711.",
    });
  return name;
}

function timeoutOf(args: Arguments): number {
  const text = args.string("timeout") ?? "10m";
  const seconds = parseDuration(text);
  if (seconds === null)
    throw new PgrescueError("usage", `--timeout ${text} is not a duration`, { next: "Write it like 30s, 10m, 2h." });
  return seconds;
}

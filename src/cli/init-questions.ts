import { confirm, input } from "@inquirer/prompts";
import { resolve } from "node:path";
import { currentUser } from "../adapters/system/users.ts";
import { PgrescueError } from "../domain/errors.ts";
import type { Arguments, Terminal } from "./command.ts";

/** What the configuration is made of. */
export interface InitAnswers {
  readonly cluster: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly repositoryUrl: string;
}

const defaults = { cluster: "main", host: "/var/run/postgresql", port: "5432", database: "postgres" };

/** Asks for what the flags did not say; with --no-input, or without a terminal, defaults stand in, but for the repository. */
export async function askInit(args: Arguments, terminal: Terminal): Promise<InitAnswers> {
  const mayAsk = !args.flag("no-input") && terminal.stdin.isTTY && terminal.stdout.isTTY;
  const answer = async (flag: string, question: string, standard: string): Promise<string> => {
    const given = args.string(flag);
    if (given !== undefined) return given;
    return mayAsk ? await input({ message: question, default: standard }) : standard;
  };
  const cluster = await answer("cluster", "A name for this database cluster:", defaults.cluster);
  const host = await answer(
    "host",
    "PostgreSQL's host, or the directory of its socket:",
    terminal.env["PGHOST"] ?? defaults.host,
  );
  const port = await answer("db-port", "Port:", terminal.env["PGPORT"] ?? defaults.port);
  const user = await answer(
    "user",
    "User (a superuser, or one with the rights that `pgrescue doctor` names):",
    terminal.env["PGUSER"] ?? (await currentUser()).name,
  );
  const database = await answer("database", "Database to connect to:", terminal.env["PGDATABASE"] ?? defaults.database);
  const repository =
    args.string("repository") ??
    (mayAsk
      ? await input({
          message: "Where shall backups go? An absolute directory:",
          validate: (text) => text.startsWith("/") || text.includes("://") || "an absolute path, please",
        })
      : undefined);
  if (repository === undefined)
    throw new PgrescueError("usage", "where shall backups go?", { next: "Name a directory with --repository DIR." });
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
    throw new PgrescueError("usage", `${JSON.stringify(port)} is not a port`, { next: "Ports are 1 to 65535." });
  return {
    cluster,
    host,
    port: Number(port),
    user,
    database,
    repositoryUrl: repository.includes("://") ? repository : `file://${resolve(terminal.cwd, repository)}`,
  };
}

/** Whether to go on although something is not as it should be. Without a terminal: only what was asked for with --yes. */
export async function goOnAnyway(question: string, args: Arguments, terminal: Terminal): Promise<boolean> {
  if (args.flag("yes")) return true;
  if (args.flag("no-input") || !terminal.stdin.isTTY) return false;
  return await confirm({ message: question, default: false });
}

import { access, mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { parseConfig } from "../adapters/config/load.ts";
import { createRepository, readRepositoryDocument } from "../adapters/repository/native/repository-document.ts";
import { openStore } from "../adapters/storage/registry.ts";
import { writeFileDurably } from "../adapters/system/durable-file.ts";
import { thisProgram } from "../adapters/system/program.ts";
import { generateArchiveCommand } from "../adapters/wal/restore-command.ts";
import { compose, type Composition } from "../compose.ts";
import { messageOf, PgrescueError } from "../domain/errors.ts";
import type { ServerIdentity } from "../ports/postgres.ts";
import { runAsOwner } from "./as-owner.ts";
import type { Arguments, Command, Terminal } from "./command.ts";
import { askInit, goOnAnyway, type InitAnswers } from "./init-questions.ts";

export const command: Command = {
  summary: "asks a few questions, tries the answers, writes pgrescue.yaml",
  usage: "init [--repository DIR] [--output FILE]",
  description:
    "Connects to the server, writes to the repository, then writes the configuration and prints the lines that\nmake the server archive into it. Nothing of the server's is changed.",
  options: {
    output: { type: "string", value: "FILE", summary: "where the configuration goes (default ./pgrescue.yaml)" },
    host: { type: "string", value: "HOST", summary: "the server's host or socket directory" },
    "db-port": { type: "string", value: "PORT", summary: "the server's port" },
    user: { type: "string", value: "NAME", summary: "the user to connect as" },
    database: { type: "string", value: "NAME", summary: "the database to connect to" },
    yes: { type: "boolean", short: "y", summary: "write it even if the server or the repository did not answer" },
    "dry-run": { type: "boolean", summary: "print the configuration, write nothing" },
  },
  examples: [
    "pgrescue init                              # asks",
    "pgrescue init --cluster shop --repository /srv/backup --output /etc/pgrescue/pgrescue.yaml --no-input",
  ],
  run: async (args, terminal) => {
    const code = await runAsOwner("init", args, null, terminal);
    if (code !== null) return code;
    const file = resolve(terminal.cwd, args.string("output") ?? "pgrescue.yaml");
    if (!args.flag("dry-run") && (await exists(file)))
      throw new PgrescueError("precondition-refused", `${file} exists already`, {
        next: "Edit it, or name another file with --output.",
      });
    const answers = await askInit(args, terminal);
    const identity = await tryServer(answers, args, terminal);
    await tryRepository(answers, args, terminal);
    const text = configText(answers, identity);
    parseConfig(text, file);
    if (args.flag("dry-run")) {
      terminal.print(text.trimEnd());
      return 0;
    }
    await writeConfig(file, text);
    terminal.log(`[ OK ] wrote ${file}`);
    for (const line of nextSteps(file)) terminal.print(line);
    return 0;
  },
};

async function writeConfig(file: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o755 });
    await writeFileDurably(file, text, 0o640);
  } catch (error) {
    throw new PgrescueError("precondition-refused", `cannot write ${file}: ${messageOf(error)}`, {
      next: "Name a file with --output in a directory that the database's user can write.",
    });
  }
}

async function tryServer(answers: InitAnswers, args: Arguments, terminal: Terminal): Promise<ServerIdentity | null> {
  try {
    const identity = await identifyServer(answers, terminal);
    terminal.log(`[ OK ] the server answers: ${identity.role}, system identifier ${identity.systemIdentifier}`);
    return identity;
  } catch (error) {
    terminal.log(`[FAIL] the server does not answer: ${messageOf(error)}`);
    if (await goOnAnyway("Write the configuration without having reached the server?", args, terminal)) return null;
    throw error;
  }
}

async function identifyServer(answers: InitAnswers, terminal: Terminal): Promise<ServerIdentity> {
  const config = parseConfig(configText(answers, null), "the new configuration");
  const settings = {
    loaded: { config, file: null, written: {} },
    clusterName: answers.cluster,
    cluster: config.clusters[answers.cluster] ?? null,
    repositories: [],
    stateDirectory: "/",
  };
  const world: Composition = compose(settings, terminal.env);
  const target = await world.connection(answers.cluster);
  const sql = await world.sql.connect(target);
  try {
    return await world.postgres.identify(sql, target);
  } finally {
    await sql.close();
  }
}

async function tryRepository({ repositoryUrl }: InitAnswers, args: Arguments, terminal: Terminal): Promise<void> {
  try {
    if (repositoryUrl.startsWith("file://") && !args.flag("dry-run"))
      await mkdir(fileURLToPath(repositoryUrl), { recursive: true, mode: 0o700 });
    const store = await openStore(repositoryUrl);
    const probe = `pgrescue-probe-${process.pid}`;
    if (!args.flag("dry-run")) {
      await store.put(probe, Buffer.from("probe"));
      await store.delete(probe);
      if ((await readRepositoryDocument(store)) === null) await createRepository(store);
    }
    terminal.log(`[ OK ] the repository can be written: ${store.url}`);
  } catch (error) {
    terminal.log(`[FAIL] the repository cannot be written: ${messageOf(error)}`);
    if (!(await goOnAnyway("Write the configuration without a usable repository?", args, terminal))) throw error;
  }
}

function configText(answers: InitAnswers, identity: ServerIdentity | null): string {
  const { cluster, host, port, user, database, repositoryUrl } = answers;
  return stringify({
    clusters: {
      [cluster]: {
        connection: { host, port, user, database },
        ...(identity?.dataDirectory == null ? {} : { dataDirectory: identity.dataDirectory }),
        repositories: ["main"],
        objectives: { rto: "30m", rpo: "5m" },
      },
    },
    repositories: { main: { url: repositoryUrl } },
    schedule: [{ cluster, backup: "base", at: "0 1 * * *", timeZone: "Etc/UTC" }],
  });
}

function nextSteps(config: string): readonly string[] {
  const archive = generateArchiveCommand({ ...thisProgram(), config });
  return [
    "Let the server archive into it (archive_mode needs a restart, the others a reload):",
    "",
    "  ALTER SYSTEM SET archive_mode = 'on';",
    `  ALTER SYSTEM SET archive_command = '${archive.replaceAll("'", "''")}';`,
    "  ALTER SYSTEM SET archive_timeout = '60s';",
    "",
    "Then look whether all is well, and take the first backup:",
    "",
    `  pgrescue doctor --config ${config}`,
    `  pgrescue backup --config ${config}`,
  ];
}

/** True also where it cannot be looked at: nothing is written over by mistake. */
async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

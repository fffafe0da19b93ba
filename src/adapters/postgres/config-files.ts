import { access, readdir, readFile, realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative } from "node:path";
import { messageOf } from "../../domain/errors.ts";
import type { ConfigurationContent, ConfigurationFiles, ConfiguredSetting } from "../../ports/postgres.ts";
import { parseConfigLines } from "./config-syntax.ts";
import { commandLineOf, findPostmaster } from "./postmaster.ts";

/** Where Debian and Ubuntu keep `<major>/<cluster>/postgresql.conf`; a parameter for tests only. */
const debianConfiguration = "/etc/postgresql";

/**
 * Finds a data directory's configuration without asking a server: what the operator configured, what the running postmaster
 * was told, Debian's tree by its `data_directory`, the data directory itself, Debian's tree by the path's name.
 * null when there is no postgresql.conf anywhere.
 */
export async function findConfiguration(
  dataDirectory: string,
  major: number,
  configured?: string,
  tree = debianConfiguration,
): Promise<ConfigurationFiles | null> {
  if (configured !== undefined) return await filesOf(configured, dataDirectory, "named in pgrescue's configuration");
  const told = await fileOfPostmaster(dataDirectory);
  if (told !== null) return await filesOf(told, dataDirectory, "the running postmaster's command line");
  const byContent = await debianFile(tree, dataDirectory);
  if (byContent !== null) return await filesOf(byContent, dataDirectory, "its data_directory is this one");
  const inside = join(dataDirectory, "postgresql.conf");
  if (await exists(inside)) return await filesOf(inside, dataDirectory, "in the data directory");
  const byName = join(tree, String(major), basename(dataDirectory), "postgresql.conf");
  if (basename(dirname(dataDirectory)) === String(major) && (await exists(byName)))
    return await filesOf(byName, dataDirectory, "named like the data directory");
  return null;
}

/** The Debian cluster (`15/main`) that a configuration file belongs to; null outside of Debian's tree. */
export function debianCluster(
  configFile: string,
  tree = debianConfiguration,
): { readonly version: string; readonly name: string } | null {
  const [version = "", name = "", file, ...rest] = relative(tree, configFile).split("/");
  return /^\d+(\.\d+)?$/.test(version) && name !== "" && file === "postgresql.conf" && rest.length === 0
    ? { version, name }
    : null;
}

async function filesOf(configFile: string, dataDirectory: string, because: string): Promise<ConfigurationFiles> {
  const { settings } = await readConfiguration(configFile, dataDirectory);
  // Relative paths in hba_file and ident_file are taken from the data directory, as are the defaults.
  const path = (name: string, otherwise: string) => {
    const value = settings[name]?.value ?? otherwise;
    return isAbsolute(value) ? value : join(dataDirectory, value);
  };
  const inDataDirectory = !relative(dataDirectory, configFile).startsWith("..");
  return {
    configFile,
    hbaFile: path("hba_file", "pg_hba.conf"),
    identFile: path("ident_file", "pg_ident.conf"),
    inDataDirectory,
    startSettings: inDataDirectory ? {} : { config_file: configFile },
    because,
  };
}

async function fileOfPostmaster(dataDirectory: string): Promise<string | null> {
  const postmaster = await findPostmaster(dataDirectory);
  if (postmaster === null) return null;
  const argv = await commandLineOf(postmaster.pid);
  for (const [at, argument] of argv.entries()) {
    const m = /^(?:--|-c)?config[_-]file=(.+)$/.exec(argument);
    if (m?.[1] !== undefined && (argument.startsWith("-") || argv[at - 1] === "-c"))
      return isAbsolute(m[1]) ? m[1] : join(dataDirectory, m[1]);
  }
  return null;
}

async function debianFile(tree: string, dataDirectory: string): Promise<string | null> {
  const wanted = await realpath(dataDirectory).catch(() => dataDirectory);
  for (const version of await readdir(tree).catch(() => [])) {
    for (const cluster of await readdir(join(tree, version)).catch(() => [])) {
      const file = join(tree, version, cluster, "postgresql.conf");
      const configured = (await readConfiguration(file)).settings["data_directory"]?.value;
      if (configured !== undefined && (await realpath(configured).catch(() => configured)) === wanted) return file;
    }
  }
  return null;
}

/**
 * Reads a configuration file with everything it includes, the last word winning, and the data directory's
 * postgresql.auto.conf at the end when one is named. Names in lower case. What cannot be read stands in `problems`.
 */
export async function readConfiguration(configFile: string, dataDirectory?: string): Promise<ConfigurationContent> {
  const content: Reading = { settings: {}, files: [], problems: [] };
  await readInto(content, configFile, 0, true);
  if (dataDirectory !== undefined) await readInto(content, join(dataDirectory, "postgresql.auto.conf"), 0, false);
  return content;
}

interface Reading {
  readonly settings: Record<string, ConfiguredSetting>;
  readonly files: string[];
  readonly problems: string[];
}

async function readInto(content: Reading, file: string, depth: number, required: boolean): Promise<void> {
  if (depth > 10) {
    content.problems.push(`${file}: included more than ten levels deep`);
    return;
  }
  let text;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (required) content.problems.push(messageOf(error));
    return;
  }
  content.files.push(file);
  for (const line of parseConfigLines(text)) {
    if (line.kind === "problem") content.problems.push(`${file}:${line.line}: ${line.text}`);
    else if (line.kind === "setting") content.settings[line.name] = { value: line.value, file, line: line.line };
    else if (line.kind === "include_dir") await readDirectory(content, fromFile(file, line.path), depth + 1);
    else await readInto(content, fromFile(file, line.path), depth + 1, line.kind === "include");
  }
}

async function readDirectory(content: Reading, directory: string, depth: number): Promise<void> {
  const names = await readdir(directory).catch((error: unknown) => {
    content.problems.push(messageOf(error));
    return [];
  });
  for (const name of names.filter((n) => n.endsWith(".conf") && !n.startsWith(".")).sort()) {
    await readInto(content, join(directory, name), depth, true);
  }
}

function fromFile(file: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(file), path);
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

import type { RecoveryInputs } from "../../domain/plan.ts";
import type { Settings } from "../../ports/postgres.ts";
import type { StepContext } from "../step.ts";
import { withoutLeftovers, withoutSettings } from "./leftovers.ts";
import { catalogFiles } from "./old-configuration.ts";
import { ownServer } from "./own-server.ts";
import { isInPlace, majorOf, siteOf } from "./recovery-inputs.ts";
import { fenceSettings, recoverySettings } from "./recovery-settings.ts";
import { closedHba, generatedHeader, type WantedFile } from "./scratch-configuration.ts";

/** Parameters and directives that tie a configuration to the place it came from. */
const placeBound = [
  "data_directory",
  "config_file",
  "hba_file",
  "ident_file",
  "external_pid_file",
  "include_dir",
  "include",
  "include_if_exists",
];

/** Parameters that name files or directories of the host; what they name may be here, too. */
const hostPaths = [
  "unix_socket_directories",
  "log_directory",
  "stats_temp_directory",
  "ssl_cert_file",
  "ssl_key_file",
  "ssl_ca_file",
  "ssl_crl_file",
  "ssl_dh_params_file",
];

/** postgresql.auto.conf as it was before this run, kept in the run's directory until the fence is taken down. */
export function originalAutoConf(ctx: Pick<StepContext, "directory">): string {
  return `${ctx.directory}/postgresql.auto.conf.before`;
}

/** The line above fence and recovery settings. Not the header alone: a backup of a recovered server brings that along. */
const fenceLine = `${generatedHeader} Fence and recovery, taken out again at the end.`;

/** Whether the directory's configuration still holds the fence. */
export async function isFenced(inputs: RecoveryInputs, ctx: StepContext): Promise<boolean> {
  const text = await ctx.world.files.read(`${inputs.dataDirectory}/postgresql.auto.conf`);
  return text?.includes(`${fenceLine}\n`) === true;
}

/** Whether the directory's configuration was written by us: a scratch server's, or the fence in place. */
export async function isConfigured(inputs: RecoveryInputs, ctx: StepContext): Promise<boolean> {
  if (isInPlace(inputs)) return isFenced(inputs, ctx);
  const text = await ctx.world.files.read(`${inputs.dataDirectory}/postgresql.auto.conf`);
  return text?.startsWith(generatedHeader) === true;
}

/**
 * The configuration of a server that recovers in production's place. Fence and recovery stand in postgresql.auto.conf,
 * which is read last: whoever starts this directory, by whatever command, starts it fenced and still recovering.
 */
export async function fencedFiles(
  inputs: RecoveryInputs,
  ctx: StepContext,
  restoreCommand: string,
): Promise<readonly WantedFile[]> {
  const { files, postgres } = ctx.world;
  const server = ownServer(inputs, ctx);
  const data = inputs.dataDirectory;
  const before = withoutLeftovers((await files.read(originalAutoConf(ctx))) ?? "");
  const block = {
    ...fenceSettings(inputs, server, await configured(inputs, ctx)),
    ...recoverySettings(inputs, restoreCommand),
  };
  const inside = await cleanedConfiguration(inputs, ctx);
  return [
    ...inside,
    { path: server.hbaFile, content: closedHba },
    { path: server.identFile, content: `${generatedHeader}\n` },
    {
      path: `${data}/postgresql.auto.conf`,
      content: `${before.trimEnd()}\n${fenceLine}\n${postgres.formatSettings(block)}`,
    },
    { path: `${data}/recovery.signal`, content: "" },
  ];
}

async function configured(inputs: RecoveryInputs, ctx: StepContext): Promise<Settings> {
  const { postgres } = ctx.world;
  const files = await postgres.configurationFiles(inputs.dataDirectory, majorOf(inputs), siteOf(inputs).configFile);
  if (files === null) return {};
  const { settings } = await postgres.readConfiguration(files.configFile, inputs.dataDirectory);
  // Our own block in postgresql.auto.conf would answer with itself.
  const foreign = Object.entries(settings).filter(([, { file }]) => !file.endsWith("/postgresql.auto.conf"));
  return Object.fromEntries(foreign.map(([name, { value }]) => [name, value]));
}

/** postgresql.conf in the restored directory without an older recovery's targets. */
async function cleanedConfiguration(inputs: RecoveryInputs, ctx: StepContext): Promise<readonly WantedFile[]> {
  const path = `${inputs.dataDirectory}/postgresql.conf`;
  const text = await ctx.world.files.read(path);
  if (text === null) return [];
  const content = withoutLeftovers(text);
  return content === text ? [] : [{ path, content }];
}

/**
 * Configuration files for a directory that has none, here or elsewhere on this host (the old host kept them outside the
 * data directory, and it is gone): from the backup's catalog, without what names the old host's paths.
 */
export async function broughtBackFiles(inputs: RecoveryInputs, ctx: StepContext): Promise<readonly WantedFile[]> {
  const { postgres } = ctx.world;
  if ((await postgres.configurationFiles(inputs.dataDirectory, majorOf(inputs), siteOf(inputs).configFile)) !== null)
    return [];
  const kept = await catalogFiles(inputs, ctx);
  const wanted: WantedFile[] = [];
  for (const [role, name] of [
    ["config_file", "postgresql.conf"],
    ["hba_file", "pg_hba.conf"],
    ["ident_file", "pg_ident.conf"],
  ] as const) {
    const file = kept.find((f) => f.role === role);
    const path = `${inputs.dataDirectory}/${name}`;
    if ((await ctx.world.files.facts(path)) !== null) continue;
    const text = file === undefined ? "" : role === "config_file" ? await fitting(file.content, ctx) : file.content;
    wanted.push({
      path,
      content: `${generatedHeader} ${file === undefined ? "The backup kept no such file." : `It was ${file.path}.`}\n${text}`,
    });
  }
  return wanted;
}

/** A configuration without what this host does not have; TLS is off where one of its files is missing. */
async function fitting(text: string, ctx: StepContext): Promise<string> {
  const absent: string[] = [];
  for (const name of hostPaths) {
    const value = settingOf(text, name);
    const paths = (value ?? "")
      .split(",")
      .map((path) => path.trim())
      .filter((path) => path.startsWith("/"));
    for (const path of paths) if ((await ctx.world.files.facts(path)) === null) absent.push(name);
  }
  const tls = absent.some((name) => name.startsWith("ssl_")) ? ["ssl"] : [];
  return withoutLeftovers(withoutSettings(text, [...placeBound, ...absent, ...tls]));
}

/** The last value that a configuration's text gives a parameter, quotes taken off; null where it gives none. */
function settingOf(text: string, name: string): string | null {
  const matches = [...text.matchAll(new RegExp(`^\\s*${name}\\s*=?\\s*(?:'([^']*)'|([^#\\s]+))`, "gim"))];
  const last = matches.at(-1);
  return last === undefined ? null : (last[1] ?? last[2] ?? null);
}

import type { Json } from "../../domain/brand.ts";
import type { RecoveryInputs } from "../../domain/plan.ts";
import type { StepContext } from "../step.ts";
import { openPoint } from "./restore-files.ts";
import { majorOf, siteOf } from "./recovery-inputs.ts";

/** A configuration file as the catalog of a backup keeps it. */
export interface CatalogFile {
  readonly role: string;
  readonly path: string;
  readonly content: string;
}

/** The configuration files in the point's catalog; empty where the format keeps none. */
export async function catalogFiles(inputs: RecoveryInputs, ctx: StepContext): Promise<readonly CatalogFile[]> {
  const catalog = await (await openPoint(inputs, ctx)).catalog();
  return rowsOf(catalog, "configurationFiles").flatMap((row) => {
    const { role, path, content } = row;
    return typeof role === "string" && typeof path === "string" && typeof content === "string"
      ? [{ role, path, content }]
      : [];
  });
}

/** A setting of the backed-up server by the point's catalog; null where it is not said (then it had its default). */
async function catalogSetting(name: string, inputs: RecoveryInputs, ctx: StepContext): Promise<string | null> {
  const catalog = await (await openPoint(inputs, ctx)).catalog();
  const value = rowsOf(catalog, "settings").find((row) => row["name"] === name)?.["value"];
  return typeof value === "string" ? value : null;
}

/**
 * shared_preload_libraries of the server that was backed up: by the configuration that lies with the data directory,
 * otherwise by the catalog of the backup.
 */
export async function preloadedLibraries(inputs: RecoveryInputs, ctx: StepContext): Promise<readonly string[]> {
  const { postgres } = ctx.world;
  const files = await postgres.configurationFiles(inputs.dataDirectory, majorOf(inputs), siteOf(inputs).configFile);
  const local =
    files === null
      ? undefined
      : (await postgres.readConfiguration(files.configFile, inputs.dataDirectory)).settings["shared_preload_libraries"]
          ?.value;
  const text = local ?? (await catalogSetting("shared_preload_libraries", inputs, ctx)) ?? "";
  return text
    .split(",")
    .map((name) => name.trim().replace(/^"(.*)"$/, "$1"))
    .filter((name) => name !== "");
}

function rowsOf(document: Json, name: string): readonly { readonly [key: string]: Json }[] {
  const rows = isObject(document) ? document[name] : null;
  return Array.isArray(rows) ? rows.filter(isObject) : [];
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

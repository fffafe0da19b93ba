import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { LineCounter, parse, parseDocument } from "yaml";
import type { z } from "zod";
import { PgrescueError } from "../../domain/errors.ts";
import { nearest } from "../../domain/nearest.ts";
import { configSchema, type Config } from "./schema.ts";

/** A configuration and the file it came from; `file` null: there is none, everything is default. */
export interface LoadedConfig {
  readonly config: Config;
  readonly file: string | null;
  /** What the file itself says, before defaults. */
  readonly written: unknown;
}

/** Where a configuration is looked for when none is named, first one wins. */
export function configPlaces(cwd: string, env: { readonly [name: string]: string | undefined }): readonly string[] {
  const user = env["XDG_CONFIG_HOME"] ?? join(env["HOME"] ?? homedir(), ".config");
  return [join(cwd, "pgrescue.yaml"), join(user, "pgrescue", "pgrescue.yaml"), "/etc/pgrescue/pgrescue.yaml"];
}

/**
 * Reads the configuration: the named file, else the first of configPlaces that exists, else an empty one.
 * Throws `config` with file, line and the nearest known key.
 */
export async function loadConfig(
  named: string | undefined,
  cwd: string,
  env: { readonly [name: string]: string | undefined },
): Promise<LoadedConfig> {
  const explicit = named ?? env["PGRESCUE_CONFIG"];
  for (const file of explicit === undefined ? configPlaces(cwd, env) : [resolve(cwd, explicit)]) {
    let text: string;
    try {
      text = await readFile(file, "utf8");
    } catch (error) {
      if (explicit === undefined && isAbsent(error)) continue;
      throw new PgrescueError("config", `cannot read ${file}: ${(error as Error).message}`);
    }
    return { config: parseConfig(text, file), file, written: parse(text) as unknown };
  }
  return { config: configSchema.parse({}), file: null, written: {} };
}

/** Checks a configuration's text. Throws `config` naming file, line and key. */
export function parseConfig(text: string, file: string): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: true });
  const broken = document.errors[0];
  if (broken !== undefined) throw new PgrescueError("config", `${file}: ${broken.message.split("\n")[0]}`);
  const parsed = configSchema.safeParse(document.toJS() ?? {});
  if (!parsed.success)
    throw new PgrescueError(
      "config",
      parsed.error.issues
        .slice(0, 5)
        .map((issue) => describeIssue(issue, file, (path) => lineOf(path)))
        .join("; "),
    );
  checkReferences(parsed.data, file);
  return parsed.data;

  function lineOf(path: readonly PropertyKey[]): number | null {
    for (let depth = path.length; depth > 0; depth--) {
      const node: unknown = document.getIn(path.slice(0, depth), true);
      const range = (node as { range?: readonly [number, number, number] } | undefined)?.range;
      if (range !== undefined) return lines.linePos(range[0]).line;
    }
    return null;
  }
}

function describeIssue(
  issue: z.core.$ZodIssue,
  file: string,
  lineOf: (path: readonly PropertyKey[]) => number | null,
): string {
  const where = issue.path.map(String).join(".");
  const line = lineOf(issue.path);
  const place = `${file}${line === null ? "" : `:${line}`}`;
  if (issue.code === "unrecognized_keys") {
    const close = issue.keys.map((key) => nearest(key, knownKeysAt(issue.path))).find((k) => k !== null);
    return `${place}: unknown key ${issue.keys.map((key) => (where === "" ? key : `${where}.${key}`)).join(", ")}${close === undefined ? "" : `; did you mean ${close}?`}`;
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const first = issue.errors[0]?.[0];
    return `${place}: ${where} ${first?.message.toLowerCase() ?? "has no known form"}`;
  }
  return `${place}: ${where} ${issue.message.replace(/^Invalid input: /, "").toLowerCase()}`;
}

/** The keys the schema knows below `path`; record keys on the way are skipped. */
function knownKeysAt(path: readonly PropertyKey[]): readonly string[] {
  let at: unknown = configSchema;
  for (const key of path) {
    at = unwrap(at);
    const node = at as { shape?: Record<string, unknown>; valueType?: unknown; element?: unknown };
    at = node.shape?.[String(key)] ?? node.valueType ?? node.element;
  }
  return Object.keys((unwrap(at) as { shape?: object } | undefined)?.shape ?? {});
}

function unwrap(schema: unknown): unknown {
  let at = schema;
  while (typeof at === "object" && at !== null && "def" in at) {
    const inner = (at.def as { innerType?: unknown }).innerType;
    if (inner === undefined) break;
    at = inner;
  }
  return at;
}

function checkReferences(config: Config, file: string): void {
  for (const [name, cluster] of Object.entries(config.clusters)) {
    for (const repository of cluster.repositories) {
      if (!Object.hasOwn(config.repositories, repository)) {
        const close = nearest(repository, Object.keys(config.repositories));
        throw new PgrescueError(
          "config",
          `${file}: clusters.${name}.repositories names ${repository}, which is not under repositories${close === null ? "" : `; did you mean ${close}?`}`,
        );
      }
    }
  }
  for (const [at, entry] of config.schedule.entries()) {
    if (!Object.hasOwn(config.clusters, entry.cluster))
      throw new PgrescueError(
        "config",
        `${file}: schedule.${at}.cluster names ${entry.cluster}, which is not under clusters`,
      );
  }
}

function isAbsent(error: unknown): boolean {
  const code = (error as { code?: string }).code;
  return code === "ENOENT" || code === "ENOTDIR" || code === "EACCES";
}

import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import type { Json } from "../../domain/brand.ts";
import { messageOf, PgrescueError } from "../../domain/errors.ts";
import { overlay, type RunbookOverlay } from "../../domain/runbook-overlay.ts";
import { nearest } from "../../domain/nearest.ts";
import type { LoadedRunbook, Runbook } from "../../domain/runbook.ts";
import { programRoot } from "../system/program.ts";

const json: z.ZodType<Json> = z.json();
const id = z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, "is not kebab-case");
const line = z.string().min(1);

const risk = z.enum(["read", "scratch", "production", "irreversible"]).describe("The most that the step touches");
const phase = z.enum(["assess", "choose", "execute", "verify", "resume"]);

const step = z.strictObject({
  id: id.describe("Stable: records refer to it"),
  title: line.max(60).describe("Imperative, at most 60 characters"),
  why: line.describe("One sentence"),
  trap: line.exactOptional().describe("The mistake that experts have seen here"),
  phase,
  risk,
  when: line.exactOptional().describe("Closed grammar over inputs and recorded values; skipped when it does not hold"),
  do: z.strictObject({
    builtin: line.describe("The kind of step"),
    with: z.record(z.string(), json).exactOptional().describe("Its parameters; ${name} is an input"),
  }),
  undo: line.describe("What takes it back, in words; none must be said"),
  confirm: z.enum(["none", "type"]).exactOptional().describe("By default none for read and scratch, type otherwise"),
  on_failure: z.enum(["stop", "continue"]).exactOptional(),
});

/** The schema of a runbook file; published as schema/runbook.schema.json. */
export const runbookSchema = z.strictObject({
  schema: z.literal("pgrescue.runbook/v1"),
  id,
  version: z.string().regex(/^\d+(\.\d+){1,2}$/, "is not a version"),
  title: line,
  symptoms: z.array(line),
  use_when: line,
  not_for: line,
  outcome: line,
  inputs: z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/)),
  steps: z.array(step).min(1),
}) satisfies z.ZodType<Runbook>;

const overlaySchema = z.strictObject({
  overlays: id.describe("The runbook that is changed"),
  steps: z.array(
    step.partial().extend({ id: step.shape.id, after: id.exactOptional(), remove: z.literal(true).exactOptional() }),
  ),
});

/** Reads one runbook. Throws `config` naming file, line where YAML is at fault, and the first thing that is wrong. */
export async function readRunbook(path: string): Promise<LoadedRunbook> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new PgrescueError("config", `cannot read the runbook ${path}: ${messageOf(error)}`, { cause: error });
  });
  return {
    runbook: check(runbookSchema, parseYaml(bytes, path), path),
    sha256: createHash("sha256").update(bytes).digest("hex"),
  };
}

/** Where runbooks come from: the shipped folder, and the site's with its own runbooks and overlays. */
export interface RunbookPlaces {
  readonly shipped: string;
  readonly site?: string;
}

/**
 * Every runbook by id: the shipped ones, the site's own, then the site's overlays (`*.overlay.yaml`, merged by step id).
 * The hash of an overlaid runbook covers both files.
 */
export async function loadRunbooks(places: RunbookPlaces): Promise<ReadonlyMap<string, LoadedRunbook>> {
  const found = new Map<string, LoadedRunbook>();
  const directories = [places.shipped, ...(places.site === undefined ? [] : [places.site])];
  for (const directory of directories) {
    for (const name of await yamlNames(directory, false)) {
      const loaded = await readRunbook(join(directory, name));
      if (found.has(loaded.runbook.id)) {
        throw new PgrescueError("config", `${join(directory, name)}: there is a runbook ${loaded.runbook.id} already`, {
          next: `Give it another id, or change steps of the shipped one in ${loaded.runbook.id}.overlay.yaml.`,
        });
      }
      found.set(loaded.runbook.id, loaded);
    }
  }
  for (const name of places.site === undefined ? [] : await yamlNames(places.site, true)) {
    await applyOverlay(found, join(places.site ?? "", name));
  }
  return found;
}

/** The usual places: the shipped folder, and the site's from PGRESCUE_RUNBOOKS or /etc/pgrescue/runbooks. */
export async function usualPlaces(env: { readonly [name: string]: string | undefined }): Promise<RunbookPlaces> {
  const shipped = join(programRoot(), "runbooks");
  const asked = env["PGRESCUE_RUNBOOKS"];
  if (asked !== undefined) return { shipped, site: asked };
  const site = "/etc/pgrescue/runbooks";
  const isThere = await stat(site).then(
    (info) => info.isDirectory(),
    () => false,
  );
  return isThere ? { shipped, site } : { shipped };
}

/** The runbook of that id from the usual places. Throws `usage` naming the nearest one. */
export async function loadRunbook(
  id: string,
  env: { readonly [name: string]: string | undefined } = process.env,
): Promise<LoadedRunbook> {
  return chooseRunbook(await loadRunbooks(await usualPlaces(env)), id);
}

/** One of the loaded runbooks. Throws `usage` naming the nearest one. */
export function chooseRunbook(all: ReadonlyMap<string, LoadedRunbook>, id: string): LoadedRunbook {
  const found = all.get(id);
  if (found !== undefined) return found;
  const close = nearest(id, [...all.keys()]);
  throw new PgrescueError("usage", `no runbook ${id}${close === null ? "" : `; did you mean ${close}?`}`, {
    next: `There are ${[...all.keys()].join(", ")}.`,
  });
}

async function applyOverlay(found: Map<string, LoadedRunbook>, path: string): Promise<void> {
  const bytes = await readFile(path);
  const changes: RunbookOverlay = check(overlaySchema, parseYaml(bytes, path), path);
  const base = found.get(changes.overlays);
  if (base === undefined) throw new PgrescueError("config", `${path}: there is no runbook ${changes.overlays}`);
  const merged = check(runbookSchema, overlay(base.runbook, changes), path);
  const sha256 = createHash("sha256").update(base.sha256).update(bytes).digest("hex");
  found.set(changes.overlays, { runbook: merged, sha256 });
}

async function yamlNames(directory: string, overlays: boolean): Promise<readonly string[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    throw new PgrescueError("config", `cannot read the runbooks in ${directory}: ${messageOf(error)}`, {
      cause: error,
    });
  });
  return names.filter((name) => /\.ya?ml$/.test(name) && /\.overlay\.ya?ml$/.test(name) === overlays).sort();
}

function parseYaml(bytes: Uint8Array, path: string): unknown {
  const document = parseDocument(new TextDecoder().decode(bytes), { prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) throw new PgrescueError("config", `${path}: ${error.message.split("\n")[0]}`);
  // No alias bombs: a runbook has no use for aliases.
  return document.toJS({ maxAliasCount: 10 });
}

function check<T>(schema: z.ZodType<T>, value: unknown, path: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new PgrescueError("config", `${path}: ${place(issue?.path ?? [], value)}: ${issue?.message}`, {
    next: "Run `pgrescue runbook check FILE`; schema/runbook.schema.json describes the format for editors.",
  });
}

/** `steps.copy.title` rather than `steps.3.title`: people know steps by their ids. */
function place(path: readonly PropertyKey[], value: unknown): string {
  const [first, index, ...rest] = path;
  if (first !== "steps" || typeof index !== "number") return path.join(".") || "the whole file";
  const steps = (value as { readonly steps: readonly { readonly id?: unknown }[] }).steps;
  const name = steps[index]?.id;
  return ["steps", typeof name === "string" ? name : index, ...rest].join(".");
}

import { z } from "zod";
import type { Json } from "../../domain/brand.ts";
import { runKinds, type JournalEvent, type ProgressTick, type RunEvent } from "../../domain/run/events.ts";

const json: z.ZodType<Json> = z.json();
const record = z.record(z.string(), json);
const text = z.string();
const count = z.number().int().nonnegative();

const actor = z.object({ user: text, host: text, pid: count, tty: text.exactOptional(), ssh: text.exactOptional() });

const risk = z.enum(["read", "scratch", "production", "irreversible"]);
const phase = z.enum(["assess", "choose", "execute", "verify", "resume"]);
const argv = z.array(text);

const plannedStep = z.object({
  id: text,
  title: text,
  why: text,
  trap: text.exactOptional(),
  phase,
  risk,
  builtin: text,
  with: record,
  when: text.exactOptional(),
  undo: text,
  confirm: z.enum(["none", "type"]),
  onFailure: z.enum(["stop", "continue"]),
  describe: text,
  commands: z.array(argv),
});

const question = z.object({
  id: text,
  kind: z.enum(["choice", "typed", "text"]),
  title: text,
  about: z.array(z.object({ label: text, value: text })),
  choices: z.array(z.object({ value: text, title: text })).exactOptional(),
  expected: text.exactOptional(),
  flag: text,
});

const verdict = z.object({
  check: text,
  title: text,
  result: z.enum(["pass", "warn", "fail", "skip", "unknown"]),
  evidence: text,
  mend: text.exactOptional(),
  rung: z.enum(["bytes", "starts", "structure", "sense", "behaviour", "comparison"]).exactOptional(),
  data: json.exactOptional(),
});

const outcome = z.object({
  result: z.enum(["done", "done-with-warnings", "failed", "paused", "aborted", "declined"]),
  exitCode: count,
  message: text,
  code: text.exactOptional(),
  means: text.exactOptional(),
  next: text.exactOptional(),
});

const envelope = { schema: z.literal("pgrescue.event/v1"), run: text, seq: count, at: text };

function fact<Name extends string, Shape extends z.ZodRawShape>(event: Name, shape: Shape) {
  return z.object({ ...envelope, prev: text, event: z.literal(event), ...shape });
}

const journalEvent = z.discriminatedUnion("event", [
  fact("opened", {
    kind: z.enum(runKinds),
    cluster: text,
    runbook: z.object({ id: text, version: text, sha256: text }),
    inputs: record,
    actor,
    version: text,
  }),
  fact("planned", { steps: z.array(plannedStep) }),
  fact("started", { pid: count, attempt: count }),
  fact("step-started", { step: text, describe: text, found: z.enum(["absent", "partial"]) }),
  fact("step-finished", {
    step: text,
    result: z.enum(["done", "already-done", "skipped", "failed"]),
    reason: text.exactOptional(),
    milliseconds: z.number(),
  }),
  fact("undo-started", { step: text, describe: text }),
  fact("step-undone", { step: text }),
  fact("command-started", { step: text, argv, as: text.exactOptional() }),
  fact("command-finished", {
    step: text,
    argv,
    exit: z.number().int().nullable(),
    signal: text.exactOptional(),
    milliseconds: z.number(),
    tail: z.array(text).exactOptional(),
  }),
  fact("recorded", { step: text, name: text, value: json }),
  fact("verdict", { step: text, verdict }),
  fact("log", { step: text, level: z.enum(["info", "warn"]), text }),
  fact("asked", { step: text, question }),
  fact("answered", { question: text, value: text, by: actor }),
  fact("note", { text, by: actor }),
  fact("pause-requested", { by: actor }),
  fact("abort-requested", { by: actor }),
  fact("repaired", { found: text, bytes: count }),
  fact("ended", { outcome }),
]) satisfies z.ZodType<JournalEvent>;

const tick = z.object({
  ...envelope,
  event: z.literal("progress"),
  step: text,
  done: z.number(),
  total: z.number().nullable(),
  unit: z.enum(["bytes", "segments", "files", "checks"]),
  doing: text,
  lsn: text.exactOptional(),
  time: text.exactOptional(),
}) satisfies z.ZodType<ProgressTick>;

/** What reading one event found: the event, a newer program's event, or something that is none. */
export type ReadEvent<E> =
  | { readonly kind: "event"; readonly event: E }
  | { readonly kind: "newer"; readonly found: string }
  | { readonly kind: "broken"; readonly found: string };

/** Checks one parsed journal line. An unknown schema or event name is a newer program's, not damage. */
export function readJournalEvent(value: unknown): ReadEvent<JournalEvent> {
  const parsed = journalEvent.safeParse(value);
  return parsed.success ? { kind: "event", event: parsed.data } : explain(value, parsed.error);
}

/** Checks one parsed line of a runner's stream: a journal event or a progress tick. */
export function readRunEvent(value: unknown): ReadEvent<RunEvent> {
  if (typeof value !== "object" || value === null || !("event" in value) || value.event !== "progress") {
    return readJournalEvent(value);
  }
  const parsed = tick.safeParse(value);
  return parsed.success ? { kind: "event", event: parsed.data } : explain(value, parsed.error);
}

const known = new Set<unknown>(journalEvent.options.map((option) => option.shape.event.value));

function explain<E>(value: unknown, error: z.ZodError): ReadEvent<E> {
  const head = z.object({ schema: text, event: text }).safeParse(value);
  if (!head.success) return { kind: "broken", found: "no schema and event" };
  const { schema, event } = head.data;
  if (schema.startsWith("pgrescue.event/") && schema !== "pgrescue.event/v1") return { kind: "newer", found: schema };
  if (event !== "progress" && !known.has(event)) return { kind: "newer", found: `event ${event}` };
  const issue = error.issues[0];
  return { kind: "broken", found: issue === undefined ? event : `${event}: ${issue.path.join(".")}: ${issue.message}` };
}

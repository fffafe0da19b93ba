import { z } from "zod";
import { formatInstant, parseInstant, type Instant } from "../../../domain/instant.ts";
import type { RunRecord } from "../../../domain/run/record.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { parseJson } from "./document-parts.ts";
import { isClusterName } from "./keys.ts";
import { inParallel } from "./parallel.ts";

/** What is read of a run's document (pgrescue.run/v1); fields that older versions did not write are null. */
const schema = z.object({
  id: z.string(),
  kind: z.string(),
  cluster: z.string(),
  runbook: z.object({ id: z.string() }).nullish(),
  openedAt: z.string(),
  endedAt: z.string().nullish(),
  outcome: z.object({ result: z.string(), exitCode: z.number(), message: z.string() }).nullish(),
  openedBy: z.object({ user: z.string(), host: z.string() }).nullish(),
  repository: z.string().nullish(),
  point: z.string().nullish(),
});

/** Records that are read at the same time. */
const width = 8;

/**
 * The runs of a cluster that were opened since a moment, newest first, at most `limit`. One that cannot be read is left
 * out: it is history, and nothing rests on it.
 */
export async function runRecordsIn(
  store: ObjectStore,
  cluster: string,
  { since, limit }: { readonly since: Instant; readonly limit: number },
): Promise<readonly RunRecord[]> {
  if (!isClusterName(cluster)) return [];
  const prefix = `${cluster}/runs/`;
  const keys: string[] = [];
  // Months sort, and the names of runs within them; a month begins before all of its runs.
  for await (const { key } of store.list(prefix, { startAfter: `${prefix}${formatInstant(since).slice(0, 7)}` })) {
    keys.push(key);
    if (keys.length > 2 * limit) keys.splice(0, limit);
  }
  const found = new Map<string, RunRecord>();
  await inParallel(keys.slice(-limit), width, async (key) => {
    const bytes = await store.get(key);
    const record = bytes === null ? null : recordIn(bytes);
    if (record !== null && record.openedAt >= since) found.set(key, record);
  });
  return [...found].sort(([a], [b]) => (a < b ? 1 : -1)).map(([, record]) => record);
}

function recordIn(bytes: Uint8Array): RunRecord | null {
  const { data } = schema.safeParse(parseJson(bytes));
  const openedAt = data === undefined ? null : parseInstant(data.openedAt);
  if (data === undefined || openedAt === null) return null;
  const runbook = data.runbook?.id ?? null;
  return {
    run: data.id,
    kind: data.kind,
    runbook,
    cluster: data.cluster,
    openedAt,
    endedAt: data.endedAt == null ? null : parseInstant(data.endedAt),
    result: data.outcome?.result ?? "cut-off",
    exitCode: data.outcome?.exitCode ?? null,
    message: data.outcome?.message ?? null,
    host: data.openedBy?.host ?? null,
    user: data.openedBy?.user ?? null,
    repository: data.repository ?? null,
    point: data.point ?? null,
    backup: data.kind !== "backup" ? null : runbook === "dump" ? "dump" : "base",
  };
}

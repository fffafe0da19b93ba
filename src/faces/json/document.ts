import type { Json } from "../../domain/brand.ts";
import { recordOf } from "../../domain/run/record.ts";
import { fold } from "../../domain/run/reduce.ts";
import type { RunEvent } from "../../domain/run/events.ts";
import type { RunState } from "../../domain/run/state.ts";
import { connectionOf } from "../ending.ts";

/** A run as one document, schema pgrescue.run/v1. `outcome` is null when the run was cut off. */
export function runDocument(state: RunState): Json {
  const { header, outcome } = state;
  const record = recordOf(state);
  return plain({
    schema: "pgrescue.run/v1",
    id: state.run,
    kind: header?.kind ?? null,
    cluster: header?.cluster ?? null,
    openedBy: header === null ? null : { user: header.actor.user, host: header.actor.host },
    repository: record?.repository ?? null,
    point: record?.point ?? null,
    runbook: header?.runbook ?? null,
    openedAt: header?.openedAt ?? null,
    endedAt: state.endedAt,
    attempts: state.attempt,
    outcome,
    steps: state.steps.map((s) => ({
      id: s.plan.id,
      title: s.plan.title,
      risk: s.plan.risk,
      status: s.status,
      reason: s.reason,
      milliseconds: s.milliseconds,
    })),
    recorded: state.recorded,
    verdicts: state.verdicts.map((v) => ({ step: v.step, at: v.at, ...v.verdict })),
    question: state.question?.question ?? null,
    connection: connectionOf(state),
  });
}

/** Reads a run to its end, prints its document on one line, and gives the state. */
export async function showJson(events: AsyncIterable<RunEvent>, print: (line: string) => void): Promise<RunState> {
  const all: RunEvent[] = [];
  for await (const event of events) if (event.event !== "progress") all.push(event);
  const state = fold(all);
  print(JSON.stringify(runDocument(state)));
  return state;
}

function plain(document: object): Json {
  return JSON.parse(JSON.stringify(document)) as Json;
}

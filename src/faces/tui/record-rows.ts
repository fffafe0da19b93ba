import { parseInstant } from "../../domain/instant.ts";
import type { RunState } from "../../domain/run/state.ts";
import { findingWord } from "../marks.ts";
import { clockTime, type Zone } from "../moments.ts";
import { quoted } from "../story.ts";

/** One line of the record. */
export interface RecordLine {
  readonly at: string;
  /** Who did it: a person, or `pgrescue`. */
  readonly who: string;
  readonly kind: "start" | "step" | "command" | "decision" | "note" | "check" | "end";
  readonly what: string;
}

/** What happened, in order of time, from the state alone. */
export function recordLines(state: RunState): readonly RecordLine[] {
  const { header } = state;
  const by = header?.actor.user ?? "?";
  const all: readonly RecordLine[] = [
    ...(header === null
      ? []
      : [
          {
            at: header.openedAt,
            who: by,
            kind: "start" as const,
            what: `${header.kind} of ${header.cluster} opened on ${header.actor.host}`,
          },
        ]),
    ...state.steps.flatMap((s): readonly RecordLine[] =>
      s.startedAt === null
        ? []
        : [
            {
              at: s.startedAt,
              who: "pgrescue",
              kind: "step",
              what: `${s.plan.title}: ${s.status}${s.milliseconds === null ? "" : ` (${(s.milliseconds / 1000).toFixed(1)} s)`}`,
            },
          ],
    ),
    ...state.commands.map((c): RecordLine => ({
      at: c.at,
      who: c.as ?? "pgrescue",
      kind: "command",
      what: `${c.argv.map(quoted).join(" ")} (${c.exit === null ? (c.signal ?? "not ended") : `exit ${c.exit}`})`,
    })),
    ...state.answers.map((a): RecordLine => ({
      at: a.at,
      who: a.by.user,
      kind: "decision",
      what: `${a.question}: ${a.value === "" ? "declined" : a.value}`,
    })),
    ...state.notes.map((n): RecordLine => ({ at: n.at, who: n.by.user, kind: "note", what: n.text })),
    ...state.verdicts.map((v): RecordLine => ({
      at: v.at,
      who: "pgrescue",
      kind: "check",
      what: `${findingWord(v.verdict.result)} ${v.verdict.title}: ${v.verdict.evidence}`,
    })),
    ...(state.outcome === null
      ? []
      : [
          {
            at: state.endedAt ?? "",
            who: "pgrescue",
            kind: "end" as const,
            what: `${state.outcome.result}: ${state.outcome.message}`,
          },
        ]),
  ];
  return all.toSorted((a, b) => (a.at === b.at ? 0 : a.at < b.at ? -1 : 1));
}

/** The clock time of a line. */
export function recordTime(line: RecordLine, zone: Zone): string {
  const at = parseInstant(line.at);
  return at === null ? "--:--:--" : clockTime(at, zone);
}

/** Where the time went: seconds of work per phase, in order. */
export function phaseSeconds(state: RunState): readonly { readonly phase: string; readonly seconds: number }[] {
  const phases = ["assess", "choose", "execute", "verify", "resume"] as const;
  return phases
    .map((phase) => ({
      phase,
      seconds: state.steps
        .filter((s) => s.plan.phase === phase)
        .reduce((sum, s) => sum + (s.milliseconds ?? 0) / 1000, 0),
    }))
    .filter((p) => p.seconds > 0);
}

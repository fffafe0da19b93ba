import { formatDuration } from "./quantity.ts";
import type { Finding } from "./verdict.ts";

/** The states of a monitoring plugin and their exit codes (Monitoring Plugins Development Guidelines). */
export type MonitorState = "OK" | "WARNING" | "CRITICAL" | "UNKNOWN";

const exits = { OK: 0, WARNING: 1, CRITICAL: 2, UNKNOWN: 3 } as const;
/** What is told first; a question that could not be asked is never fine, but known trouble is worse. */
const gravity: readonly MonitorState[] = ["OK", "UNKNOWN", "WARNING", "CRITICAL"];

/** Something that is measured and has limits. */
export interface Measure {
  readonly label: string;
  /** null: not known. */
  readonly value: number | null;
  readonly unit: "s" | "";
  /** Limits that must not be reached; null: none. */
  readonly warning: number | null;
  readonly critical: number | null;
  /** In words, whatever the state. */
  readonly detail: string;
  /** Where the value alone does not tell: there is no backup at all. */
  readonly state?: MonitorState;
}

/** What one question came to. */
export interface Monitored {
  readonly label: string;
  readonly state: MonitorState;
  readonly detail: string;
}

/** The state of a measure by its limits. */
export function stateOf(measure: Measure): MonitorState {
  if (measure.state !== undefined) return measure.state;
  const { value, warning, critical } = measure;
  if (value === null) return "UNKNOWN";
  if (critical !== null && value >= critical) return "CRITICAL";
  return warning !== null && value >= warning ? "WARNING" : "OK";
}

/** The state of a check's finding. */
export function stateOfFinding(finding: Finding): MonitorState {
  const states = { pass: "OK", skip: "OK", warn: "WARNING", unknown: "UNKNOWN", fail: "CRITICAL" } as const;
  return states[finding];
}

/** The gravest of several states; OK for none. */
export function gravestState(states: readonly MonitorState[]): MonitorState {
  return states.reduce<MonitorState>((all, s) => (gravity.indexOf(s) > gravity.indexOf(all) ? s : all), "OK");
}

/** A plugin's exit code. */
export function exitOfState(state: MonitorState): number {
  return exits[state];
}

/** The first line with performance data, then a line for each thing that is not fine. */
export function monitorLines(
  cluster: string,
  found: readonly Monitored[],
  measures: readonly Measure[],
): readonly string[] {
  const state = gravestState(found.map((f) => f.state));
  const wrong = found
    .filter((f) => f.state !== "OK")
    .toSorted((a, b) => gravity.indexOf(b.state) - gravity.indexOf(a.state));
  const words = wrong.length === 0 ? measures.map((m) => m.detail).slice(0, 2) : wrong.map((f) => f.detail);
  const data = measures.map(
    ({ label, value, unit, warning, critical }) =>
      `'${label}'=${value === null ? "U" : `${round(value)}${unit}`};${warning ?? ""};${critical ?? ""};0`,
  );
  return [
    // A bar would begin the performance data.
    `PGRESCUE ${state} - ${cluster}: ${words.join(", ").replaceAll("|", "/")} | ${data.join(" ")}`,
    ...wrong.map((f) => `${cluster}.${f.label}: ${f.state} (${f.detail})`),
  ];
}

/** An age for people: `2h14m old`. */
export function ageInWords(seconds: number): string {
  return `${formatDuration(seconds)} old`;
}

function round(value: number): number {
  return Math.round(value);
}

import { parseInstant, shortInstant } from "./instant.ts";
import type { RunState, StepState } from "./run/state.ts";
import type { Verdict } from "./verdict.ts";

/** The record of a run as Markdown: what it was, how it ended, when what happened, commands, checks, what is open. Pure. */
export function renderReport(state: RunState): string {
  const header = state.header;
  const title = header === null ? state.run : `${state.run}: ${header.kind} of ${plain(header.cluster)}`;
  return [
    `# ${title}`,
    "",
    ...summary(state),
    ...section("Steps", stepTable(state)),
    ...section("Decisions and notes", decisions(state)),
    ...section("Verification", verificationLines(state)),
    ...section("Commands", commandLines(state)),
    ...section("Values", recordedLines(state)),
    ...section("For the post-mortem", prompts),
  ].join("\n");
}

const prompts = [
  "- Where did the tool mislead you?",
  "- What did you have to guess?",
  "- Where were you lucky?",
  "- What went well, what went wrong?",
  "- Which actions follow, who owns them, by when?",
];

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`## ${title}`, "", ...lines, ""];
}

function summary(state: RunState): readonly string[] {
  const header = state.header;
  const outcome = state.outcome;
  const worked = state.steps.reduce((sum, s) => sum + (s.milliseconds ?? 0), 0);
  const rows: readonly (readonly [string, string])[] = [
    ["Result", outcome === null ? "not ended" : `${outcome.result}: ${outcome.message}`],
    ...(outcome?.means === undefined ? [] : [["For the data", outcome.means] as const]),
    ...(outcome?.next === undefined ? [] : [["Next", outcome.next] as const]),
    ["Opened", header === null ? "-" : moment(header.openedAt)],
    ["Ended", state.endedAt === null ? "-" : moment(state.endedAt)],
    ["Time in steps", `${Math.round(worked / 1000)} s`],
    ["Attempts", String(state.attempt)],
    ...(header === null
      ? []
      : ([
          ["Runbook", `${header.runbook.id} ${header.runbook.version} (sha256 ${header.runbook.sha256.slice(0, 12)})`],
          [
            "Opened by",
            `${header.actor.user}@${header.actor.host}${header.actor.ssh === undefined ? "" : ` over ssh ${header.actor.ssh}`}`,
          ],
          ["pgrescue", header.version],
        ] as const)),
  ];
  return ["| | |", "| --- | --- |", ...rows.map(([name, value]) => `| ${name} | ${plain(value)} |`), ""];
}

function stepTable(state: RunState): readonly string[] {
  if (state.steps.length === 0) return [];
  return [
    "| # | Step | Risk | Result | Began (UTC) | Took |",
    "| --- | --- | --- | --- | --- | --- |",
    ...state.steps.map((s, i) => stepRow(s, i)),
  ];
}

function stepRow(s: StepState, index: number): string {
  const took = s.milliseconds === null ? "" : `${(s.milliseconds / 1000).toFixed(1)} s`;
  const began = s.startedAt === null ? "" : moment(s.startedAt);
  const reason = s.reason === null ? "" : `: ${s.reason}`;
  return `| ${index + 1} | ${plain(s.plan.title)} | ${s.plan.risk} | ${plain(s.status + reason)} | ${began} | ${took} |`;
}

function decisions(state: RunState): readonly string[] {
  const answers = state.answers.map((a) => ({
    at: a.at,
    text: `**decision** ${plain(a.question)} = ${code(a.value === "" ? "(declined)" : a.value)} by ${plain(a.by.user)}@${plain(a.by.host)}`,
  }));
  const notes = state.notes.map((n) => ({
    at: n.at,
    text: `**note** ${plain(n.text)} by ${plain(n.by.user)}@${plain(n.by.host)}`,
  }));
  return [...answers, ...notes]
    .toSorted((a, b) => (a.at < b.at ? -1 : 1))
    .map(({ at, text }) => `- ${moment(at)} UTC ${text}`);
}

function verificationLines(state: RunState): readonly string[] {
  if (state.verdicts.length === 0) return [];
  const row = ({ title, rung, result, evidence, mend }: Verdict): string =>
    `| ${rung ?? ""} | ${plain(title)} | ${result} | ${plain(evidence)} | ${plain(mend ?? "")} |`;
  return [
    "| Rung | Check | Result | Seen | To do |",
    "| --- | --- | --- | --- | --- |",
    ...state.verdicts.map((v) => row(v.verdict)),
    "",
    "A check that did not run (skip, unknown) is not a pass.",
  ];
}

function commandLines(state: RunState): readonly string[] {
  return state.commands.flatMap((c) => {
    const exit =
      c.exit === null ? (c.signal ?? (c.milliseconds === null ? "never ended" : "no exit code")) : `exit ${c.exit}`;
    const took = c.milliseconds === null ? "" : `, ${(c.milliseconds / 1000).toFixed(1)} s`;
    const as = c.as === null ? "" : ` as ${plain(c.as)}`;
    return [
      `- ${moment(c.at)} UTC${as}, ${exit}${took}: ${code(c.argv.join(" "))}`,
      ...c.tail.map((line) => `  - ${code(line)}`),
    ];
  });
}

function recordedLines(state: RunState): readonly string[] {
  return Object.entries(state.recorded).map(
    ([name, value]) => `- ${plain(name)}: ${code(typeof value === "string" ? value : JSON.stringify(value))}`,
  );
}

function moment(at: string): string {
  const read = parseInstant(at);
  return read === null ? at : shortInstant(read);
}

/** One line of Markdown text: nothing in it is markup, a table cell stays one cell. */
function plain(text: string): string {
  return printable(text).replaceAll(/[\\`*_[\]<>|]/g, String.raw`\$&`);
}

/** Inline code with a fence longer than any run of backticks inside. */
function code(text: string): string {
  const inner = printable(text).replaceAll("|", String.raw`\|`);
  const longest = Math.max(0, ...(inner.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  return longest === 0 ? `${fence}${inner}${fence}` : `${fence} ${inner} ${fence}`;
}

function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replaceAll(/[\t\r\n]+/g, " ").replaceAll(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "?");
}

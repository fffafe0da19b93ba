import type { Verdict } from "../../domain/verdict.ts";
import type { AssessEvent, ConclusionView } from "../console-views.ts";
import type { Model } from "./model.ts";
import { go, listKeys, step, type Screen } from "./screen.ts";

export interface AssessState {
  readonly cluster: string | null;
  /** null until it is known how many checks there are. */
  readonly total: number | null;
  readonly asking: string;
  readonly answers: readonly { readonly verdict: Verdict; readonly raw: readonly string[] }[];
  readonly conclusion: ConclusionView | null;
  readonly isOver: boolean;
}

export const initialAssess: AssessState = {
  cluster: null,
  total: null,
  asking: "",
  answers: [],
  conclusion: null,
  isOver: false,
};

/** What must not be done as long as nobody knows what happened. Shown from the first frame on. */
export const neverDo: readonly string[] = [
  "delete files in pg_wal",
  "set archive_command=/bin/true",
  "run pg_resetwal",
];

/** The state after one more answer. */
export function assessed(state: AssessState, event: AssessEvent): AssessState {
  switch (event.kind) {
    case "total":
      return { ...state, total: event.checks };
    case "asking":
      return { ...state, asking: event.title };
    case "verdict":
      return {
        ...state,
        answers: [...state.answers, { verdict: event.verdict, raw: event.raw ?? [] }],
      };
    case "conclusion":
      return { ...state, conclusion: event.conclusion, isOver: true };
    default:
      return state;
  }
}

export const assess: Screen = {
  name: "assess",
  title: "1 Assess",
  phase: "assess",
  opened: (model) => (model.assess.cluster === model.cluster ? step(model, {}) : again(model)),
  bindings: [
    ...listKeys((model) => model.assess.answers.length),
    {
      keys: ["enter"],
      hint: "recovery points",
      help: "recovery points (read-only)",
      group: "here",
      isInFooter: true,
      act: (model) => go(model, "points"),
    },
    {
      keys: ["l"],
      hint: "raw output",
      help: "what the check saw",
      group: "here",
      isInFooter: true,
      blocked: (model) => (model.assess.answers[model.cursor] === undefined ? "no check has answered yet" : null),
      act: (model) => {
        const answer = model.assess.answers[model.cursor];
        const lines =
          answer === undefined
            ? []
            : [answer.verdict.title, answer.verdict.evidence, answer.verdict.mend ?? "", ...answer.raw];
        return step(model, { overlay: { kind: "why", lines, top: 0 } });
      },
    },
    {
      keys: ["r"],
      hint: "ask again",
      help: "ask everything again",
      group: "here",
      isInFooter: true,
      act: (model) => again(model),
    },
  ],
  command: (model) => `pgrescue doctor --cluster ${model.cluster ?? "NAME"}`,
  why: (model) =>
    model.assess.conclusion?.why ?? [
      "WAL that was not archived exists only in pg_wal: deleting it loses the last transactions.",
      "archive_command=/bin/true throws WAL away that recovery needs.",
      "pg_resetwal makes a server start by giving up consistency.",
    ],
};

function again(model: Model): ReturnType<typeof step> {
  if (model.cluster === null) return step(model, {});
  return step(
    model,
    { assess: { ...initialAssess, cluster: model.cluster }, cursor: 0 },
    { do: "assess", cluster: model.cluster },
  );
}

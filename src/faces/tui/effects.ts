import type { Choice, TargetText, TargetView } from "../console-views.ts";

/** What the console wants from outside, as data; perform.ts does it and answers with a message. */
export type Effect =
  | { readonly do: "load-home" }
  | { readonly do: "assess"; readonly cluster: string }
  | { readonly do: "survey"; readonly cluster: string }
  | { readonly do: "resolve"; readonly cluster: string; readonly request: TargetText }
  | { readonly do: "methods"; readonly cluster: string; readonly target: TargetView }
  | { readonly do: "preflight"; readonly choice: Choice }
  | { readonly do: "start"; readonly choice: Choice }
  | { readonly do: "backup"; readonly cluster: string }
  | { readonly do: "attach"; readonly run: string }
  | { readonly do: "resume"; readonly run: string }
  | { readonly do: "answer"; readonly question: string; readonly value: string }
  | { readonly do: "pause" }
  | { readonly do: "abort" }
  | { readonly do: "note"; readonly text: string }
  | { readonly do: "copy"; readonly text: string };

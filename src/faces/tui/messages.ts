import type { Instant } from "../../domain/instant.ts";
import type { RunEvent } from "../../domain/run/events.ts";
import type {
  AssessEvent,
  HomeView,
  MethodView,
  PreflightView,
  SurveyView,
  TargetAnswer,
  TargetText,
} from "../console-views.ts";
import type { Effect } from "./effects.ts";
import type { KeyPress } from "./keys.ts";
import type { Failure } from "./loadable.ts";

/** Everything that can change what the console shows. */
export type Message =
  | { readonly is: "key"; readonly key: KeyPress; readonly at: Instant }
  | { readonly is: "pasted"; readonly text: string }
  | { readonly is: "tick"; readonly at: Instant }
  | { readonly is: "resized"; readonly columns: number; readonly rows: number }
  | { readonly is: "home"; readonly home: HomeView }
  | { readonly is: "assessed"; readonly cluster: string; readonly event: AssessEvent }
  | { readonly is: "survey"; readonly cluster: string; readonly survey: SurveyView }
  | { readonly is: "target"; readonly request: TargetText; readonly answer: TargetAnswer }
  | { readonly is: "methods"; readonly methods: readonly MethodView[] }
  | { readonly is: "preflight"; readonly preflight: PreflightView }
  | { readonly is: "joined"; readonly run: string; readonly isLive: boolean }
  | { readonly is: "events"; readonly run: string; readonly events: readonly RunEvent[] }
  | { readonly is: "parted"; readonly run: string }
  | { readonly is: "failed"; readonly effect: Effect["do"]; readonly failure: Failure }
  | { readonly is: "said"; readonly text: string };

import { assess } from "./assess-state.ts";
import { fleet } from "./fleet-state.ts";
import { home } from "./home-state.ts";
import { methods } from "./methods-state.ts";
import type { Model, ScreenName } from "./model.ts";
import { points } from "./points-state.ts";
import { preflight } from "./preflight-state.ts";
import { question } from "./question-state.ts";
import { execute, record, resume, verify } from "./run-screens.ts";
import type { Screen } from "./screen.ts";
import { target } from "./target-state.ts";

/** Every screen's behaviour by name. */
export const screens = {
  fleet,
  home,
  assess,
  points,
  target,
  methods,
  preflight,
  execute,
  question,
  verify,
  resume,
  record,
} as const satisfies Readonly<Record<ScreenName, Screen>>;

/** The screen that is shown. */
export function screenOf(model: Model): Screen {
  return screens[model.path.at(-1) ?? "home"];
}

import type { View } from "./area.ts";
import { assessDetails, assessView } from "./assess-view.ts";
import { executeDetails, executeView } from "./execute-view.ts";
import { fleetView } from "./fleet-view.ts";
import { homeView } from "./home-view.ts";
import { methodsDetails, methodsView } from "./methods-view.ts";
import type { ScreenName } from "./model.ts";
import { pointsDetails, pointsView } from "./points-view.ts";
import { preflightView } from "./preflight-view.ts";
import { questionView } from "./question-view.ts";
import { recordView } from "./record-view.ts";
import { resumeView } from "./resume-view.ts";
import { homeDetails } from "./runs-view.ts";
import { targetView } from "./target-view.ts";
import { verifyView } from "./verify-view.ts";

/** Every screen's picture by name; `details` fills the pane that wide terminals have room for. */
export const views: Readonly<Record<ScreenName, { readonly main: View; readonly details?: View }>> = {
  fleet: { main: fleetView, details: homeDetails },
  home: { main: homeView, details: homeDetails },
  assess: { main: assessView, details: assessDetails },
  points: { main: pointsView, details: pointsDetails },
  target: { main: targetView },
  methods: { main: methodsView, details: methodsDetails },
  preflight: { main: preflightView },
  execute: { main: executeView, details: executeDetails },
  question: { main: questionView, details: executeDetails },
  verify: { main: verifyView, details: executeDetails },
  resume: { main: resumeView, details: executeDetails },
  record: { main: recordView },
};

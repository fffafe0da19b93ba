import type { RunView } from "../console-views.ts";
import { clusterOf } from "./fleet-state.ts";
import { valueOf } from "./loadable.ts";
import type { Model } from "./model.ts";
import { go, listKeys, step, type Screen, type Step } from "./screen.ts";
import { openTarget } from "./target-state.ts";

export interface HomeItem {
  readonly title: string;
  readonly note: string;
  readonly act: (model: Model) => Step;
}

/** What may be chosen on the home screen, in this order; runs that can be joined or continued come last. */
export function homeItems(model: Model): readonly HomeItem[] {
  if (clusterOf(model) === null) return [];
  return [
    {
      title: "Something is broken NOW",
      note: "read-only checks say what it is",
      act: (m) => go(m, "assess"),
    },
    {
      title: "Somebody deleted or changed data",
      note: "keep prod up, fetch it from the past",
      act: (m) => openTarget(m, { kind: "time", text: "" }),
    },
    {
      title: "Rehearse",
      note: "newest state to scratch, no prod writes",
      act: (m) => openTarget(m, { kind: "latest", text: "" }),
    },
    { title: "Browse recovery points", note: "read only", act: (m) => go(m, "points") },
    {
      title: "Take a backup now",
      note: "writes to the repository only",
      act: (m) =>
        m.cluster === null
          ? step(m, {})
          : step(m, { toast: "Starting a backup ..." }, { do: "backup", cluster: m.cluster }),
    },
    ...openRuns(model).map((run) => ({
      title: `${run.isLive ? "Reattach" : "Look at, go on"}: ${run.id}`,
      note: `${run.title}, ${run.position}`,
      act: (m: Model) => step(m, { toast: `Joining ${run.id} ...` }, { do: "attach", run: run.id }),
    })),
  ];
}

/** Runs of this cluster that work now or can be continued, at most three. */
function openRuns(model: Model): readonly RunView[] {
  const isOpen = (run: RunView): boolean =>
    run.isLive || run.result === null || run.result === "paused" || run.result === "failed";
  return (valueOf(model.home)?.runs ?? []).filter((run) => run.cluster === model.cluster && isOpen(run)).slice(0, 3);
}

export const home: Screen = {
  name: "home",
  title: "Home",
  phase: null,
  opened: (model) => step(model, {}, { do: "load-home" }),
  bindings: [
    ...listKeys((model) => homeItems(model).length),
    {
      keys: ["enter"],
      hint: "choose",
      help: "choose the marked line",
      group: "here",
      isInFooter: true,
      blocked: (model) => (model.home.status === "loading" ? "the clusters are still being looked at" : null),
      act: (model) => homeItems(model)[model.cursor]?.act(model) ?? step(model, {}),
    },
    {
      keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"],
      hint: "jump",
      help: "jump to a line",
      group: "moving",
      isInFooter: true,
      act: (model, key) => step(model, { cursor: Math.min(Number(key), homeItems(model).length) - 1 }),
    },
    {
      keys: ["r"],
      hint: "look again",
      help: "look again",
      group: "here",
      isInFooter: false,
      act: (model) => step(model, { toast: "Looking again ..." }, { do: "load-home" }),
    },
  ],
  command: (model) => (model.cluster === null ? "pgrescue status" : `pgrescue status --cluster ${model.cluster}`),
  why: () => [
    "Nothing on this screen changes anything. 1 starts read-only checks, 2 to 4 read the repositories,",
    "5 writes a new backup to the repository. Production changes only after its name has been typed.",
  ],
};

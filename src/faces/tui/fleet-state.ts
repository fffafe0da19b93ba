import type { ClusterView } from "../console-views.ts";
import type { Finding } from "../../domain/verdict.ts";
import { valueOf } from "./loadable.ts";
import type { Model } from "./model.ts";
import { go, listKeys, step, type Screen } from "./screen.ts";

const order: readonly Finding[] = ["fail", "unknown", "warn", "skip", "pass"];

/** The clusters that match the filter, the worst first. */
export function clustersOf(model: Model): readonly ClusterView[] {
  const clusters = valueOf(model.home)?.clusters ?? [];
  return clusters
    .filter((c) => c.name.includes(model.filter))
    .toSorted((a, b) => order.indexOf(a.result) - order.indexOf(b.result) || (a.name < b.name ? -1 : 1));
}

/** The cluster that was chosen; null before that. */
export function clusterOf(model: Model): ClusterView | null {
  return valueOf(model.home)?.clusters.find((c) => c.name === model.cluster) ?? null;
}

export const fleet: Screen = {
  name: "fleet",
  title: "Clusters",
  phase: null,
  bindings: [
    ...listKeys((model) => clustersOf(model).length),
    {
      keys: ["enter"],
      hint: "open",
      help: "open the cluster",
      group: "here",
      isInFooter: true,
      act: (model) => {
        const cluster = clustersOf(model)[model.cursor];
        return cluster === undefined ? step(model, {}) : go(model, "home", { cluster: cluster.name });
      },
    },
    {
      keys: ["r"],
      hint: "look again",
      help: "look again at all clusters",
      group: "here",
      isInFooter: true,
      act: (model) => step(model, {}, { do: "load-home" }),
    },
  ],
  command: () => "pgrescue status",
  why: () => ["The clusters are sorted by the worst thing that is known of each."],
};

import type { RunResult } from "../../domain/run/events.ts";
import { resultWord } from "../ending.ts";
import { span as timeSpan, whenSeen } from "../moments.ts";
import type { View } from "./area.ts";
import { valueOf } from "./loadable.ts";
import { left, row, span, wrap } from "./text.ts";

/** For wide terminals: the last runs with their times. */
export const homeDetails: View = (model, { width, height }) => {
  const runs = (valueOf(model.home)?.runs ?? []).filter((r) => model.cluster === null || r.cluster === model.cluster);
  return [
    row(span(" LAST RUNS", "strong")),
    ...(runs.length === 0 ? [row(span(" none yet", "dim"))] : []),
    ...runs.slice(0, Math.max(1, Math.floor((height - 1) / 2))).flatMap((r) => {
      const word = r.isLive ? "running" : r.result === null ? "cut off" : resultOf(r.result);
      const took = r.seconds === null ? "" : ` ${timeSpan(r.seconds * 1000)}`;
      return [
        row(
          ` ${left(whenSeen(r.at, model.now, model.zone), 13)}`,
          span(left(r.id, 20), "strong"),
          span(`${word}${took}`, "dim"),
        ),
        ...wrap(`${r.cluster}: ${r.title}, ${r.position}`, width - 16)
          .slice(0, 1)
          .map((l) => row(span(`              ${l}`, "dim"))),
      ];
    }),
  ];
};

function resultOf(result: RunResult): string {
  return resultWord({ result, exitCode: 0, message: "" });
}

import { formatBytes } from "../../domain/quantity.ts";
import type { ConsolePort } from "../console-port.ts";
import { findingWord } from "../marks.ts";
import { dateTime } from "../moments.ts";
import { visible } from "../untrusted.ts";
import type { Prompter } from "./prompter.ts";

/** Says the read-only checks as they answer, and what they come to. */
export async function assessInLines(port: ConsolePort, cluster: string, prompter: Prompter): Promise<void> {
  const stop = new AbortController();
  prompter.say("Do not delete files in pg_wal, set archive_command to /bin/true, or run pg_resetwal.");
  for await (const event of port.assess(cluster, stop.signal)) {
    if (event.kind === "verdict")
      prompter.say(
        `${findingWord(event.verdict.result)}: ${visible(event.verdict.title)}, ${visible(event.verdict.evidence)}`,
      );
    if (event.kind === "conclusion") {
      const { likely, confidence, notNeeded, doNot, next } = event.conclusion;
      prompter.say(`Most likely: ${visible(likely)}, confidence ${confidence}.`);
      if (notNeeded !== undefined) prompter.say(`Not needed: ${visible(notNeeded)}`);
      for (const words of doNot) prompter.say(`Do not ${visible(words)}.`);
      prompter.say(`Next: ${visible(next)}.`);
    }
  }
}

/** Says the points, newest first, and the windows. */
export async function pointsInLines(port: ConsolePort, cluster: string, prompter: Prompter): Promise<void> {
  const survey = await port.survey(cluster);
  prompter.say(`${survey.points.length} recovery points in ${visible(survey.place)}.`);
  for (const p of survey.points.toReversed())
    prompter.say(
      `${dateTime(p.finishedAt, "utc")} UTC, ${p.kind}, ${formatBytes(p.bytes)}, ${p.status}${p.reason === undefined ? "" : `, ${visible(p.reason)}`}, id ${visible(p.id)}.`,
    );
  for (const warning of survey.warnings) prompter.say(`WARN: ${visible(warning)}`);
}

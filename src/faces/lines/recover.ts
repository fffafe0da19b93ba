import { recoverLine } from "../command-lines.ts";
import type { ConsolePort } from "../console-port.ts";
import type { MethodView, TargetKind, TargetView } from "../console-views.ts";
import { findingWord } from "../marks.ts";
import { visible } from "../untrusted.ts";
import { followRun } from "./follow.ts";
import { chooseFrom, type MenuItem, type Prompter } from "./prompter.ts";

const kinds: readonly MenuItem<TargetKind>[] = [
  { title: "A moment, with its offset: 2026-11-20 02:51:07+00, or 10 minutes ago", value: "time" },
  { title: "Before a transaction: it is undone", value: "before-xid" },
  { title: "After a transaction: it is kept", value: "xid" },
  { title: "A WAL position", value: "lsn" },
  { title: "A restore point by its name", value: "name" },
  { title: "The newest moment", value: "latest" },
  { title: "The end of the backup", value: "immediate" },
];

/** Target, method, preflight, run: the same questions as on the screens. An empty line goes back one question. */
export async function recoverInLines(port: ConsolePort, cluster: string, prompter: Prompter): Promise<void> {
  for (;;) {
    const target = await askTarget(port, cluster, prompter);
    if (target === null) return;
    const method = await askMethod(port, cluster, target, prompter);
    if (method === null) continue;
    const choice = { cluster, target, method: method.id };
    if (!(await preflight(port, choice, prompter))) continue;
    await followRun(await port.start(choice), prompter);
    return;
  }
}

async function askTarget(port: ConsolePort, cluster: string, prompter: Prompter): Promise<TargetView | null> {
  for (;;) {
    const kind = await chooseFrom(prompter, "Where shall recovery stop?", kinds, "It is only looked up in the WAL.");
    if (kind === null) return null;
    const isTextless = kind === "latest" || kind === "immediate";
    const text = isTextless ? "" : (await prompter.ask("Target:")).trim();
    if (!isTextless && text === "") continue;
    const answer = await port.resolveTarget(cluster, { kind, text });
    if (answer.isReachable) {
      const { title, understood, lost, warnings } = answer.target;
      prompter.say(`OK: ${visible(title)}.`);
      for (const line of understood) prompter.say(`Understood: ${visible(line)}.`);
      prompter.say(`Lost: ${visible(lost)}.`);
      for (const warning of warnings) prompter.say(`WARN: ${visible(warning)}`);
      return answer.target;
    }
    prompter.say(`FAIL: cannot be reached: ${visible(answer.refusal.reason)}.`);
    prompter.say(`Next: ${visible(answer.refusal.next)}`);
  }
}

async function askMethod(
  port: ConsolePort,
  cluster: string,
  target: TargetView,
  prompter: Prompter,
): Promise<MethodView | null> {
  const methods = await port.methods(cluster, target);
  for (const m of methods) {
    if (m.refusal !== null) {
      prompter.say(`Not possible: ${visible(m.title)}: ${visible(m.refusal.reason)}. ${visible(m.refusal.next)}`);
      continue;
    }
    prompter.say(`${visible(m.title)}${m.isRecommended ? ", recommended" : ""}: ${visible(m.reason)}`);
    for (const price of m.prices)
      if (price.value !== "") prompter.say(`  ${visible(price.label)}: ${visible(price.value)}`);
  }
  const items = methods
    .filter((m) => m.refusal === null)
    .map((m) => ({ title: `${visible(m.title)}${m.isRecommended ? " (recommended)" : ""}`, value: m }));
  return await chooseFrom(prompter, "Choose a method.", items, "Prices are above; nothing is changed yet.");
}

async function preflight(
  port: ConsolePort,
  choice: Parameters<ConsolePort["preflight"]>[0],
  prompter: Prompter,
): Promise<boolean> {
  const view = await port.preflight(choice);
  prompter.say(`Preflight: ${visible(view.title)}.`);
  for (const v of view.verdicts) prompter.say(`${findingWord(v.result)}: ${visible(v.title)}, ${visible(v.evidence)}`);
  for (const [i, s] of view.steps.entries())
    prompter.say(`Step ${i + 1} of ${view.steps.length}: ${visible(s.title)}, ${s.risk}. Undo: ${visible(s.undo)}`);
  prompter.say(`The same, scripted: ${recoverLine(choice)}`);
  const failed = view.verdicts.filter((v) => v.result === "fail");
  if (view.refusal !== null || failed.length > 0) {
    prompter.say(
      `FAIL: it must not be started: ${visible(view.refusal?.reason ?? failed.map((v) => v.title).join(", "))}.`,
    );
    if (view.refusal !== null) prompter.say(`Next: ${visible(view.refusal.next)}`);
    return false;
  }
  prompter.say(
    view.changesProduction
      ? "Production changes at its own step, after its name was typed."
      : "Safe: production is not touched.",
  );
  const go = await chooseFrom(
    prompter,
    "Start it?",
    [{ title: "Start", value: true }],
    "An empty line goes back; nothing was changed.",
  );
  return go === true;
}

import { PgrescueError } from "../../domain/errors.ts";
import type { ConsolePort } from "../console-port.ts";
import type { ClusterView, HomeView, RunView } from "../console-views.ts";
import { findingWord } from "../marks.ts";
import { dateTime } from "../moments.ts";
import { visible } from "../untrusted.ts";
import { followRun } from "./follow.ts";
import { chooseFrom, Interrupted, type MenuItem, type Prompter } from "./prompter.ts";
import { assessInLines, pointsInLines } from "./look.ts";
import { recoverInLines } from "./recover.ts";

export interface LinesOptions {
  /** Opens on this run. */
  readonly run?: string;
  /** Opens on this cluster. */
  readonly cluster?: string;
}

type Action = (cluster: ClusterView) => Promise<void>;

/**
 * The console's flow line by line: for serial consoles, TERM=dumb and screen readers. Ends when nothing is chosen at the
 * first menu or on Ctrl-C. Runs that it started go on.
 */
export async function startLines(port: ConsolePort, prompter: Prompter, options: LinesOptions = {}): Promise<void> {
  try {
    prompter.say(`pgrescue, plain text mode. UTC ${dateTime(port.now(), "utc")}.`);
    if (options.run !== undefined) {
      await followRun(await port.attach(options.run), prompter);
      return;
    }
    for (;;) {
      const home = await port.loadHome();
      const cluster = await clusterFrom(home, prompter, options.cluster);
      if (cluster === null) return;
      facts(cluster, prompter);
      const action = await chooseFrom(
        prompter,
        "What do you need?",
        menu(port, prompter, home.runs),
        "Nothing here changes anything before its name was typed. An empty line quits.",
      );
      if (action === null) return;
      await guarded(prompter, () => action(cluster));
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
  }
}

function menu(port: ConsolePort, prompter: Prompter, runs: readonly RunView[]): readonly MenuItem<Action>[] {
  const isOpen = (r: RunView): boolean =>
    r.isLive || r.result === null || r.result === "paused" || r.result === "failed";
  return [
    {
      title: "Something is broken now (read-only checks)",
      value: (c) => assessInLines(port, c.name, prompter),
    },
    {
      title: "Somebody deleted or changed data",
      value: (c) => recoverInLines(port, c.name, prompter),
    },
    { title: "Browse recovery points", value: (c) => pointsInLines(port, c.name, prompter) },
    {
      title: "Take a backup now",
      value: async (c) => void (await followRun(await port.backup(c.name), prompter)),
    },
    ...runs.filter(isOpen).map((run): MenuItem<Action> => ({
      title: `${run.isLive ? "Join" : "Go on with"} ${run.id}: ${visible(run.title)}, ${visible(run.position)}`,
      value: async () => {
        const handle = run.isLive ? await port.attach(run.id) : await port.resume(run.id);
        await followRun(handle, prompter);
      },
    })),
  ];
}

async function clusterFrom(
  home: HomeView,
  prompter: Prompter,
  wanted: string | undefined,
): Promise<ClusterView | null> {
  const { clusters } = home;
  const named = clusters.find((c) => c.name === wanted) ?? (clusters.length === 1 ? clusters[0] : undefined);
  if (named !== undefined) return named;
  if (clusters.length === 0) {
    prompter.say("No cluster is configured. Run pgrescue init.");
    return null;
  }
  return await chooseFrom(
    prompter,
    "Which cluster?",
    clusters.map((c) => ({
      title: `${visible(c.name)}, ${findingWord(c.result)}: ${visible(c.summary)}`,
      value: c,
    })),
    "An empty line quits.",
  );
}

function facts(cluster: ClusterView, prompter: Prompter): void {
  prompter.say(`Cluster ${visible(cluster.name)}, ${visible(cluster.confirm)}.`);
  for (const fact of cluster.facts)
    prompter.say(
      `${fact.result === null ? "" : `${findingWord(fact.result)}: `}${fact.label.toLowerCase()}, ${visible(fact.text)}.`,
    );
  for (const w of cluster.windows)
    prompter.say(
      `You can recover to any second from ${dateTime(w.from, "utc")} to ${w.until === null ? "an unknown end" : dateTime(w.until, "utc")} UTC, from ${visible(w.repository)}.`,
    );
  for (const h of cluster.holes)
    if (h.from !== null && h.until !== null)
      prompter.say(
        `FAIL: a hole from ${dateTime(h.from, "utc")} to ${dateTime(h.until, "utc")}; nothing inside can be reached.`,
      );
}

/** Runs an action; a failure is said in four parts and the menu comes back. */
async function guarded(prompter: Prompter, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof PgrescueError)) throw error;
    prompter.say(`FAIL: ${visible(error.message)}.`);
    prompter.say(`For the data: ${visible(error.means)}`);
    prompter.say(`What to do: ${visible(error.next)}`);
    prompter.say(`More: pgrescue explain ${error.code}`);
  }
}

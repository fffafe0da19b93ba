import { join } from "node:path";
import { runsDirectory } from "../../adapters/journal/run-directory.ts";
import { compose, type Composition } from "../../compose.ts";
import { PgrescueError } from "../../domain/errors.ts";
import { formatInstant } from "../../domain/instant.ts";
import { isRefusal, type PlanRefusal } from "../../domain/refusal.ts";
import { surveyRepositories } from "../../engine/planning/survey.ts";
import type { RecoveryPlan } from "../../engine/planning/plan-recovery.ts";
import type { ConsolePort } from "../../faces/console-port.ts";
import type { Choice, MethodId, TargetText } from "../../faces/console-views.ts";
import { backupInputs } from "../backup.ts";
import { openCheckContext } from "../check-context.ts";
import type { Arguments, Terminal } from "../command.ts";
import { rehearsalsHere } from "../measured.ts";
import { openRepositories } from "../open-repositories.ts";
import { planningWorld, planWith } from "../planning.ts";
import { describeRecovery } from "../recover.ts";
import { currentActor } from "../run/actor.ts";
import { attachRun } from "../run/attach-run.ts";
import { findRun } from "../run/find-run.ts";
import { launchRun, openRun } from "../run/launch-run.ts";
import { describeRun } from "../run/open-spec.ts";
import { openSettings, type Settings } from "../settings.ts";
import { assess } from "./assess.ts";
import { loadHome } from "./home.ts";
import { methodViews } from "./method-views.ts";
import { preflightView } from "./preflight-view.ts";
import { surveyView } from "./survey-view.ts";
import { readTargetText, requestOf, targetAnswer } from "./target-answer.ts";

const allMethods: readonly MethodId[] = ["restore-to-scratch", "rewind-in-place", "base-backup-only"];

/** The console's window on the real thing. `args` are the global options that the console was opened with. */
export async function createConsolePort(args: Arguments, terminal: Terminal): Promise<ConsolePort> {
  const base = await openSettings(args, terminal);
  const perCluster = new Map<string, { readonly settings: Settings; readonly world: Composition }>();
  const clusters =
    base.cluster === null && args.string("cluster") === undefined
      ? Object.keys(base.loaded.config.clusters)
      : base.clusterName === null
        ? []
        : [base.clusterName];
  for (const name of clusters) {
    const settings = await openSettings(
      { ...args, string: (option) => (option === "cluster" ? name : args.string(option)) },
      terminal,
    );
    perCluster.set(name, { settings, world: compose(settings, terminal.env) });
  }
  const of = (cluster: string): { readonly settings: Settings; readonly world: Composition } => {
    const known = perCluster.get(cluster);
    if (known === undefined)
      throw new PgrescueError("config", `no cluster ${cluster} in ${base.loaded.file ?? "any configuration file"}`);
    return known;
  };
  const clock = compose(base, terminal.env).clock;

  // A scratch directory is chosen once per target, so that preflight shows what start then uses.
  const planned = new Map<string, RecoveryPlan>();
  async function planOf(cluster: string, request: TargetText, method: MethodId): Promise<RecoveryPlan | PlanRefusal> {
    const key = JSON.stringify([cluster, request, method]);
    const known = planned.get(key);
    if (known !== undefined) return known;
    const { settings, world } = of(cluster);
    const target = readTargetText(request, clock.now());
    if ("reason" in target) return { refusal: "not-found", message: target.reason, next: target.next };
    const stamp = formatInstant(clock.now()).slice(0, 19).replaceAll(/[-:]/g, "");
    const scratch =
      settings.cluster?.scratch.directory ?? join(settings.stateDirectory, "scratch", `${cluster}-${stamp}`);
    const to = method === "rewind-in-place" ? null : scratch;
    const plan = await planWith(
      { target, method, action: "pause", point: request.point ?? null, to, port: null, tablespaces: {} },
      settings,
      world,
    );
    if (!isRefusal(plan)) planned.set(key, plan);
    return plan;
  }

  async function planChoice(choice: Choice): Promise<RecoveryPlan> {
    const plan = await planOf(choice.cluster, requestOf(choice.target), choice.method);
    if (isRefusal(plan)) throw new PgrescueError("no-recovery-point", plan.message, { next: plan.next });
    return plan;
  }

  return {
    now: () => clock.now(),
    loadHome: () =>
      loadHome(
        (name) => of(name).settings,
        clusters,
        (settings) => of(settings.clusterName ?? "").world,
        base.stateDirectory,
      ),
    assess: async function* (cluster, signal) {
      const { settings, world } = of(cluster);
      await using context = await openCheckContext({ ...settings, clusterName: cluster }, world);
      yield* assess(context, signal);
    },
    survey: async (cluster) => {
      const { settings, world } = of(cluster);
      const repositories = await openRepositories(settings, world);
      return surveyView(
        await surveyRepositories(planningWorld(repositories, world, null, { live: false }), cluster),
        repositories.map((r) => r.url),
        { rehearsals: await rehearsalsHere(base.stateDirectory), now: clock.now() },
      );
    },
    resolveTarget: async (cluster, request) => {
      const read = readTargetText(request, clock.now());
      if ("reason" in read) return { isReachable: false, refusal: read };
      return targetAnswer(request, await planOf(cluster, request, "restore-to-scratch"));
    },
    methods: async (cluster, target) => {
      const plans = [];
      for (const id of allMethods) plans.push({ id, plan: await planOf(cluster, requestOf(target), id) });
      const place = of(cluster).settings.cluster?.dataDirectory;
      const found =
        place === undefined
          ? null
          : await of(cluster)
              .world.postgres.inspect(place)
              .catch(() => null);
      const isUp = found?.postmaster !== null && found !== null;
      const rehearsals = await rehearsalsHere(base.stateDirectory);
      return methodViews(plans, target, isUp, { rehearsals, now: clock.now() });
    },
    preflight: async (choice) => {
      const plan = await planChoice(choice);
      const { settings, world } = of(choice.cluster);
      return await preflightView(choice, plan, await describeRecovery(plan, settings, terminal.env), world);
    },
    start: async (choice) => {
      const plan = await planChoice(choice);
      const { settings } = of(choice.cluster);
      const run = await openRun(settings.stateDirectory, await describeRecovery(plan, settings, terminal.env), {
        actor: await currentActor(terminal.env),
        interactive: true,
        answers: {},
      });
      // The same target chosen again is a new recovery, with a directory of its own.
      planned.clear();
      return run;
    },
    backup: async (cluster) => {
      const { settings } = of(cluster);
      const inputs = backupInputs(
        { ...settings, clusterName: cluster },
        { string: () => undefined, flag: () => false },
      );
      const spec = await describeRun(
        { kind: "backup", cluster, runbook: "backup", inputs: { ...inputs }, confirm: cluster, lock: null },
        settings,
        terminal.env,
      );
      return await openRun(settings.stateDirectory, spec, {
        actor: await currentActor(terminal.env),
        interactive: true,
        answers: {},
      });
    },
    attach: async (run) =>
      await attachRun(
        join(runsDirectory(base.stateDirectory), (await findRun(base.stateDirectory, run)).id),
        await currentActor(terminal.env),
      ),
    resume: async (run) =>
      await launchRun((await findRun(base.stateDirectory, run)).directory, {
        actor: await currentActor(terminal.env),
        interactive: true,
        answers: {},
      }),
  };
}

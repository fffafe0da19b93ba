import { loadConfig } from "../../adapters/config/load.ts";
import { compose } from "../../compose.ts";
import type { Json } from "../../domain/brand.ts";
import { steps } from "../../engine/steps/registry.ts";
import type { NamedRepository, Settings } from "../settings.ts";
import type { RunnerWiring } from "./run-runner.ts";

/** What a run keeps of the settings it was planned with, so that its runner opens the same world: never a secret. */
export function settingsForRun(settings: Settings): { readonly [key: string]: Json } {
  return {
    configFile: settings.loaded.file,
    cluster: settings.clusterName,
    stateDirectory: settings.stateDirectory,
    repositories: settings.repositories.map((repository): Json => ({ ...repository })),
  };
}

/** The runner's side: the world of a run from its spec. The configuration is read again, so that rotated credentials work. */
export const runnerWiring: RunnerWiring = {
  steps,
  notify: async ({ settings: { configFile } }) =>
    typeof configFile === "string" ? (await loadConfig(configFile, "/", {})).config.notify : [],
  openWorld: async (spec, _runDirectory, guard) => {
    const { configFile, cluster, stateDirectory, repositories } = spec.settings;
    // Without a configuration at planning time there is none now either: another one must not slip in.
    const loaded = await loadConfig(typeof configFile === "string" ? configFile : "/dev/null", "/", {});
    const clusterName = typeof cluster === "string" ? cluster : null;
    const settings: Settings = {
      loaded,
      clusterName,
      cluster: clusterName === null ? null : (loaded.config.clusters[clusterName] ?? null),
      repositories: repositories as unknown as readonly NamedRepository[],
      stateDirectory: typeof stateDirectory === "string" ? stateDirectory : "/",
    };
    return compose(settings, process.env, { createsRepositories: true, guard });
  },
};

import type { Config } from "../adapters/config/schema.ts";
import { PgrescueError } from "../domain/errors.ts";
import { nearest } from "../domain/nearest.ts";
import { parseDuration } from "../domain/quantity.ts";
import type { KindPolicy, RetentionPolicy } from "../domain/retention/policy.ts";
import { dayIn } from "../engine/retention/day-in.ts";
import type { NamedRepository, Settings } from "./settings.ts";

/**
 * The policy for a repository: the asked one, else the repository's own, else the cluster's. Throws `config` where there
 * is none or it does not exist: without a policy nothing expires.
 */
export function policyOf(
  settings: Settings & { readonly clusterName: string },
  repository: Pick<NamedRepository, "name" | "policy">,
  asked: string | undefined,
): RetentionPolicy {
  const { policies } = settings.loaded.config;
  const name = asked ?? repository.policy ?? settings.cluster?.policy;
  if (name === undefined)
    throw new PgrescueError("config", `cluster ${settings.clusterName} has no policy: nothing expires`, {
      next: `Write one under policies and name it in clusters.${settings.clusterName}.policy, or with --policy NAME.`,
    });
  const found = policies[name];
  if (found !== undefined) return policyFrom(name, found);
  const close = nearest(name, Object.keys(policies));
  throw new PgrescueError("config", `there is no policy ${name}${close === null ? "" : `; did you mean ${close}?`}`, {
    next:
      Object.keys(policies).length === 0 ? "Write it under policies." : `Known: ${Object.keys(policies).join(", ")}.`,
  });
}

function policyFrom(name: string, policy: Config["policies"][string]): RetentionPolicy {
  if (policy.timeZone !== undefined) dayIn(policy.timeZone);
  return {
    name,
    base: policy.base === undefined ? null : kindFrom(policy.base),
    dump: policy.dump === undefined ? null : kindFrom(policy.dump),
    walBufferSeconds: policy.wal === undefined ? 0 : (parseDuration(policy.wal.buffer) ?? 0),
    timeZone: policy.timeZone ?? null,
  };
}

function kindFrom(rules: NonNullable<Config["policies"][string]["base"]>): KindPolicy {
  return {
    keepSeconds: rules.keep === undefined ? null : parseDuration(rules.keep),
    last: rules.last ?? 0,
    daily: rules.daily ?? 0,
    weekly: rules.weekly ?? 0,
    monthly: rules.monthly ?? 0,
    yearly: rules.yearly ?? 0,
    minimum: Math.max(1, rules.minimum ?? 1),
  };
}

import { judgeLease, leaseWords } from "../../domain/lease.ts";
import type { Answer, Check } from "../check.ts";

/** Who works in the repositories: a lock that nobody renews keeps every later backup out. */
export const check: Check = {
  id: "locks",
  title: "Nobody keeps a repository locked for no reason",
  ask: async ({ repositories, cluster, now }) => {
    const findings: Answer[] = [];
    for (const { name, repository } of repositories) {
      if (repository?.leasing === undefined) continue;
      const { lease } = await repository.leasing.observe(cluster);
      if (lease === null) continue;
      const { state, evidence } = judgeLease(lease, now, null);
      findings.push(
        state === "held"
          ? { name, result: "pass", evidence: `${name} is locked by ${leaseWords(lease)}; ${evidence}` }
          : {
              name,
              result: "warn",
              evidence: `${name} is locked by ${leaseWords(lease)}; ${evidence}`,
              mend: "Its run seems dead: `pgrescue unlock` explains what is known, and breaks the lock once it is certain.",
            },
      );
    }
    return findings.length > 0 ? findings : { result: "pass", evidence: "no run works in them" };
  },
};

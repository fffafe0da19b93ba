import type { Check, Answer } from "../check.ts";

/** Whether every repository can be read, and local ones written. */
export const check: Check = {
  id: "repositories",
  title: "Repositories are reachable",
  ask: async ({ repositories, files }) => {
    if (repositories.length === 0)
      return {
        result: "fail",
        evidence: "no repository is configured",
        mend: "Name one in the configuration: `pgrescue init`.",
      };
    const findings: Answer[] = [];
    for (const { name, url, repository, failure, next } of repositories) {
      if (repository === null || failure !== null) {
        findings.push({
          name,
          result: "fail",
          evidence: `${name} (${url}): ${failure ?? "cannot be opened"}`,
          mend: next ?? "Check its URL, credentials and whether its storage is mounted.",
        });
        continue;
      }
      const path = url.startsWith("file://") ? decodeURIComponent(url.slice("file://".length)) : null;
      const space = path === null || repository.readOnly ? null : await files.space(path);
      if (space !== null && !space.writable)
        findings.push({
          name,
          result: "fail",
          evidence: `${name} (${url}): readable, but not writable for this user`,
          mend: `Give ${path} to the user that pgrescue runs as.`,
        });
      else
        findings.push({
          name,
          result: "pass",
          evidence: `${name} (${url}): ${repository.readOnly ? "readable" : space === null ? "readable" : "readable and writable"}`,
        });
    }
    return findings;
  },
};

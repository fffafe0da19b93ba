import { judgeCopies, type DataCopy } from "../../domain/three-two-one.ts";
import type { Check, CheckContext } from "../check.ts";

/** Three copies on two media, one of them elsewhere: the live server and streaming standbys count, and repositories with a usable backup. */
export const check: Check = {
  id: "copies",
  title: "Three copies, two media, one elsewhere",
  ask: async (context) => {
    if (context.survey === null) return { result: "unknown", evidence: "no repository could be read" };
    const copies = [...(await servers(context)), ...(await repositoriesOf(context))];
    const { result, missing, media } = judgeCopies(copies);
    const names = copies.map(({ name }) => name).join(", ") || "none";
    const where = `${names}; ${media} ${media === 1 ? "medium" : "media"}`;
    if (result === "pass") return { result, evidence: where };
    if (result === "unknown")
      return {
        result,
        evidence: `${where}; whether a directory lies elsewhere is not to be seen from here`,
        mend: "If it is a disk of another house, all is well; otherwise add a repository in S3 or Azure.",
      };
    return {
      result,
      evidence: `${where}: ${missing.join(", ")}`,
      mend: "Add a repository in another place to the cluster's list, and bring it up to date with `pgrescue copy`.",
    };
  },
};

async function servers({ server, directory, files }: CheckContext): Promise<readonly DataCopy[]> {
  if (server.state !== "up") return [];
  const medium = directory === null ? "the server" : await deviceOf(directory.path, files);
  const copies: DataCopy[] = [{ name: "the server", medium, isOffsite: false }];
  const standbys = await server.sql
    .query<{ name: string; address: string | null }>(
      "select application_name as name, client_addr::text as address from pg_catalog.pg_stat_replication where state = 'streaming' and application_name !~ '^pg_(?:basebackup|receivewal)' and application_name not like 'pgrescue%'",
    )
    .catch(() => []);
  for (const { name, address } of standbys)
    copies.push({
      name: `standby ${name}`,
      medium: `standby ${address ?? name}`,
      isOffsite: address === null ? false : null,
    });
  return copies;
}

/** Repositories that have a usable backup. */
async function repositoriesOf({ repositories, survey, files }: CheckContext): Promise<readonly DataCopy[]> {
  const copies: DataCopy[] = [];
  for (const { name, url, repository } of repositories) {
    if (repository === null || survey?.points.some((p) => p.repository === name && p.status === "ok") !== true)
      continue;
    const path = url.startsWith("file://") ? decodeURIComponent(url.slice("file://".length)) : null;
    copies.push({
      name: `repository ${name}`,
      medium: path === null ? bucketOf(url) : await deviceOf(path, files),
      isOffsite: path === null ? !/^(?:s3|az|azure):\/\/(?:localhost|127\.|\[?::1)/.test(url) : null,
    });
  }
  return copies;
}

/** Prefixes of one bucket or container are lost together. */
function bucketOf(url: string): string {
  const [, scheme = "", rest = ""] = /^([a-z0-9]+):\/\/(.*)$/.exec(url) ?? [];
  const parts = rest.split("/");
  return `${scheme}://${parts.slice(0, scheme === "s3" ? 1 : 2).join("/")}`;
}

async function deviceOf(path: string, files: CheckContext["files"]): Promise<string> {
  return `file system ${(await files.space(path)).device}`;
}

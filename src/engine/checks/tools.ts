import type { Check } from "../check.ts";

const needed = [
  "postgres",
  "pg_ctl",
  "pg_controldata",
  "pg_verifybackup",
  "pg_amcheck",
  "pg_checksums",
  "pg_waldump",
  "psql",
];

/** Whether the programs that a recovery uses are on this host, of the server's major version. */
export const check: Check = {
  id: "tools",
  title: "PostgreSQL's programs are here",
  ask: async ({ installation, server, directory, postgres, files }) => {
    const major = server.state === "up" ? Math.floor(server.identity.version / 10_000) : (directory?.major ?? null);
    if (major === null) return { result: "unknown", evidence: "the server's version is not known" };
    if (installation === null) {
      const others = (await postgres.installations()).map((one) => one.major);
      return {
        result: "fail",
        evidence: `no programs of PostgreSQL ${major} here${others.length === 0 ? "" : `, only ${others.join(", ")}`}: nothing can be restored on this host`,
        mend: `Install them: \`apt-get install postgresql-${major}\`.`,
      };
    }
    const missing: string[] = [];
    for (const program of needed)
      if ((await files.facts(`${installation.bin}/${program}`)) === null) missing.push(program);
    if (missing.length > 0)
      return {
        result: "warn",
        evidence: `${installation.bin} lacks ${missing.join(", ")}`,
        mend: `Install the rest: \`apt-get install postgresql-${major} postgresql-client-${major}\`.`,
      };
    return { result: "pass", evidence: `PostgreSQL ${major} in ${installation.bin}` };
  },
};

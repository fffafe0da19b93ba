import type { Check } from "../check.ts";

/** How much finished WAL waits for the archive, by archive_status on this host. */
export const check: Check = {
  id: "archiver-queue",
  title: "No WAL waits for the archive",
  ask: async ({ directory, files }) => {
    if (directory === null || directory.kind !== "cluster")
      return { result: "unknown", evidence: "the data directory is not on this host or cannot be read" };
    const names = await files.list(`${directory.path}/pg_wal/archive_status`);
    if (names === null) return { result: "unknown", evidence: `${directory.path}/pg_wal/archive_status is not there` };
    const ready = names.filter((name) => name.endsWith(".ready")).sort();
    const first = ready[0]?.replace(/\.ready$/, "");
    if (first === undefined) return { result: "pass", evidence: "nothing waits" };
    const evidence = `${ready.length} waiting, the oldest ${first}`;
    if (directory.postmaster === null)
      return {
        result: "fail",
        evidence: `${evidence}; the server is down: these commits are only in ${directory.path}/pg_wal`,
        mend: "Keep pg_wal; a rewind in place saves and uses it.",
      };
    return ready.length < 4
      ? { result: "pass", evidence }
      : {
          result: ready.length < 64 ? "warn" : "fail",
          evidence,
          mend: "Look why archiving is slow or fails; the disk fills meanwhile.",
        };
  },
};

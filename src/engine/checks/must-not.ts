import type { Check, CheckContext } from "../check.ts";

/** What must not be done now, given what was seen: advice as data, the gravest first. */
export const check: Check = {
  id: "must-not",
  title: "What must not be done now",
  ask: async (context) => {
    const dont = await dontsOf(context);
    return { result: "pass", evidence: `do not ${dont.join(", ")}`, data: dont };
  },
};

/** What completes "do not ...", in a few words. */
async function dontsOf({ server, directory, files, survey }: CheckContext): Promise<readonly string[]> {
  const list: string[] = [];
  if (directory !== null) {
    const names = (await files.list(`${directory.path}/pg_wal/archive_status`)) ?? [];
    const waiting = names.filter((name) => name.endsWith(".ready")).length;
    list.push(`delete files in pg_wal${waiting > 0 ? ` (${waiting} segments are only there)` : ""}`);
    if (directory.stalePidFile) list.push("remove postmaster.pid unchecked");
    if (directory.kind === "unfinished-restore") list.push("start a server on this half restored directory");
  }
  if (server.state === "unreachable") list.push("run pg_resetwal");
  else list.push("restart the server", "VACUUM");
  if (survey === null || survey.points.length === 0) list.push("overwrite the data directory");
  list.push("set archive_command=/bin/true", "let retention delete backups");
  return list;
}

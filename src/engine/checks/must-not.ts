import type { Check, CheckContext } from "../check.ts";

/** What must not be done now, given what was seen: advice as data, the gravest first. */
export const check: Check = {
  id: "must-not",
  title: "What must not be done now",
  ask: async (context) => {
    const dont = await dontsOf(context);
    return { result: "pass", evidence: dont.join("; "), data: dont };
  },
};

async function dontsOf({ server, directory, files, survey }: CheckContext): Promise<readonly string[]> {
  const list: string[] = [];
  if (directory !== null) {
    const names = (await files.list(`${directory.path}/pg_wal/archive_status`)) ?? [];
    const waiting = names.filter((name) => name.endsWith(".ready")).length;
    if (waiting > 0) list.push(`do not delete anything in pg_wal: ${waiting} segments are nowhere else`);
    else list.push("do not delete anything in pg_wal");
    if (directory.stalePidFile) list.push("do not remove postmaster.pid before you looked for the process");
    if (directory.kind === "unfinished-restore")
      list.push("do not start a server on this directory: a restore into it is not finished");
  }
  if (server.state === "unreachable") list.push("do not run pg_resetwal: it destroys what recovery needs");
  else list.push("do not restart the server and do not VACUUM: both destroy evidence");
  if (survey === null || survey.points.length === 0)
    list.push("do not overwrite the data directory: there is no backup to go back to");
  list.push("do not set archive_command to /bin/true", "do not let retention delete backups: hold it first");
  return list;
}

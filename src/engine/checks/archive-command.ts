import { alterSystem, notAsked, type Check, type Answer } from "../check.ts";
import { showSettings } from "./settings.ts";

/** Whether archive_command stores what it is given, and says so truly. */
export const check: Check = {
  id: "archive-command",
  title: "archive_command stores WAL durably",
  ask: async ({ server, archiveCommand }) => {
    if (server.state !== "up") return notAsked(server);
    const { archive_command: command = "", archive_library: library = "" } = await showSettings(server.sql, [
      "archive_command",
      "archive_library",
    ]);
    // The server hides the command while archiving is off.
    if (library !== "")
      return {
        result: "warn",
        evidence: `archive_library = ${library}: what it stores is not pgrescue's`,
        mend: "See that `pgrescue points` lists windows up to now, or archive with wal-push.",
      };
    return judgeArchiveCommand(command, archiveCommand);
  },
};

/** Judges an archive_command by its text; `ours` is what is proposed instead. The contract: 0 is durably stored, 1 to 125 is "again", nothing above. */
export function judgeArchiveCommand(command: string, ours: string): Answer {
  if (command === "" || command === "(disabled)")
    return {
      result: "fail",
      evidence: "archive_command is not set",
      ...alterSystem("archive_command", ours, "reload"),
    };
  if (/^\s*(?:\/usr)?(?:\/bin\/)?(?:true|:|exit 0)\s*$/.test(command)) {
    return {
      result: "fail",
      evidence: `archive_command = ${command}: every segment is thrown away as if it were stored`,
      ...alterSystem("archive_command", ours, "reload"),
    };
  }
  if (!command.includes("%p"))
    return {
      result: "fail",
      evidence: `archive_command = ${command}: it does not name the segment (%p)`,
      ...alterSystem("archive_command", ours, "reload"),
    };
  if (/\bwal-push\b/.test(command) && /pgrescue/.test(command))
    return { result: "pass", evidence: `archive_command = ${command}` };
  const foreign = `archive_command = ${command}`;
  if (/^\s*(?:test\b.*&&\s*)?(?:cp|rsync|scp)\b/.test(command)) {
    return {
      result: "warn",
      evidence: `${foreign}: a copy without fsync can be lost after the server was told it is stored`,
      ...alterSystem("archive_command", ours, "reload"),
    };
  }
  if (/;|\|\|\s*(?:true|exit 0)/.test(command)) {
    return {
      result: "warn",
      evidence: `${foreign}: the exit code of its last part hides a failure of the others`,
      ...alterSystem("archive_command", ours, "reload"),
    };
  }
  return {
    result: "warn",
    evidence: `${foreign}: not pgrescue's, so its contract is not known (0 must mean durably stored, and never more than 125)`,
    mend: "See that `pgrescue points` lists windows up to now, or archive with wal-push.",
  };
}

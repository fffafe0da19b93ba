import type { Check } from "../check.ts";

/** What the server said last, where its log is on this host. */
export const check: Check = {
  id: "server-log",
  title: "What the server said last",
  ask: async ({ directory, postgres, server }) => {
    if (directory === null) return { result: "unknown", evidence: "the data directory is not on this host" };
    const log = await postgres.serverLog(directory, 20);
    if (log === null) return { result: "unknown", evidence: "its log was not found here" };
    const grave = log.lines
      .filter((line) =>
        /\b(?:PANIC|FATAL|could not (?:read|write|open)|invalid page|No space left|checksum)\b/.test(line),
      )
      .at(-1);
    const last = grave ?? log.lines.at(-1) ?? "(empty)";
    const data = { file: log.file, lines: log.lines };
    // A log line of a healthy server with a refused login is no news.
    return server.state === "up"
      ? { result: "pass", evidence: last, data }
      : { result: "warn", evidence: last, data, mend: `Read ${log.file} before you start anything.` };
  },
};

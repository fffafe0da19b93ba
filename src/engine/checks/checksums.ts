import { notAsked, type Check } from "../check.ts";
import { showSettings } from "./settings.ts";

/** Whether a page that the disk changed is noticed. */
export const check: Check = {
  id: "checksums",
  title: "Data checksums are on",
  ask: async ({ server, directory }) => {
    if (server.state !== "up") {
      if (directory?.control == null) return notAsked(server);
      return directory.control.checksums
        ? { result: "pass", evidence: "on, by pg_control" }
        : {
            result: "warn",
            evidence: "off, by pg_control",
            mend: "Run `pg_checksums --enable` while the server is stopped.",
          };
    }
    const value = (await showSettings(server.sql, ["data_checksums"]))["data_checksums"] ?? "unknown";
    if (value === "on") return { result: "pass", evidence: "data_checksums = on" };
    return {
      result: "warn",
      evidence: `data_checksums = ${value}: damaged pages go into backups unnoticed`,
      mend: "Stop the server cleanly, run `pg_checksums --enable`, start it; on standbys too.",
    };
  },
};

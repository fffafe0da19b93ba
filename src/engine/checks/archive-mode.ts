import { alterSystem, notAsked, type Check } from "../check.ts";
import { showSettings } from "./settings.ts";

/** Whether finished segments are handed to anybody. */
export const check: Check = {
  id: "archive-mode",
  title: "archive_mode is on",
  ask: async ({ server }) => {
    if (server.state !== "up") return notAsked(server);
    const mode = (await showSettings(server.sql, ["archive_mode"]))["archive_mode"] ?? "unknown";
    if (mode === "always") return { result: "pass", evidence: "archive_mode = always" };
    if (mode !== "on")
      return {
        result: "fail",
        evidence: `archive_mode = ${mode}: only whole backups can be restored, nothing after them`,
        ...alterSystem("archive_mode", "on", "restart"),
      };
    return server.identity.role === "standby"
      ? { result: "pass", evidence: "archive_mode = on; on a standby it archives only after promotion" }
      : { result: "pass", evidence: "archive_mode = on" };
  },
};

import type { OptionSpecs } from "./command.ts";

/** Options that every command takes. */
export const globalOptions = {
  config: {
    type: "string",
    value: "FILE",
    summary: "configuration file (default ./pgrescue.yaml, then the user's, then /etc/pgrescue/pgrescue.yaml)",
  },
  cluster: {
    type: "string",
    value: "NAME",
    summary: "which cluster; not needed where there is one",
    aliases: ["stanza", "server"],
  },
  repository: {
    type: "string",
    value: "NAME|URL",
    summary: "only this repository; a URL works without any configuration",
    aliases: ["repo"],
  },
  identity: {
    type: "string",
    value: "FILE",
    summary: "age identities that open encrypted repositories",
  },
  "state-dir": { type: "string", value: "DIR", summary: "where journals and sockets are kept" },
  json: { type: "boolean", summary: "one JSON document on stdout" },
  "no-input": { type: "boolean", summary: "never ask; a missing answer is an error that names its flag" },
  plain: { type: "boolean", summary: "text line by line instead of the full screen" },
  ascii: { type: "boolean", summary: "no characters beyond ASCII" },
  "no-color": { type: "boolean", summary: "no colours (NO_COLOR works, too)" },
  quiet: { type: "boolean", short: "q", summary: "only say something when there is trouble" },
  help: { type: "boolean", short: "h", summary: "this help" },
} as const satisfies OptionSpecs;

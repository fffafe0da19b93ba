import { readJournal } from "../adapters/journal/file-journal.ts";
import { runFiles } from "../adapters/journal/run-directory.ts";
import { join } from "node:path";
import { renderReport } from "../domain/report.ts";
import { runDocument } from "../faces/json/document.ts";
import { runAsOwner } from "./as-owner.ts";
import type { Command } from "./command.ts";
import { findRun } from "./run/find-run.ts";
import { openSettings } from "./settings.ts";

export const command: Command = {
  summary: "the record of a run: what happened, what was decided, what was checked",
  usage: "report [ID] [--format md|json|jsonl]",
  description:
    "Made from the run's journal, at any time, also while it runs. Without ID the newest unfinished run is meant,\nelse the newest.",
  options: {
    format: {
      type: "string",
      choices: ["md", "json", "jsonl"],
      summary: "Markdown, one document, or the journal's events (default md)",
    },
  },
  examples: ["pgrescue report > incident.md              # the newest run", "pgrescue report k3f --format json"],
  positionals: { min: 0, max: 1 },
  run: async (args, terminal) => {
    const settings = await openSettings(args, terminal);
    const code = await runAsOwner("report", args, settings, terminal);
    if (code !== null) return code;
    const found = await findRun(settings.stateDirectory, args.positionals[0]);
    const format = args.flag("json") ? "json" : (args.string("format") ?? "md");
    if (format === "md") terminal.print(renderReport(found.state).trimEnd());
    else if (format === "json") terminal.print(JSON.stringify(runDocument(found.state)));
    else {
      const { events } = await readJournal(join(found.directory, runFiles.journal));
      for (const event of events) terminal.print(JSON.stringify(event));
    }
    return 0;
  },
};

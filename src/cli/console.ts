import { runAsOwner } from "./as-owner.ts";
import type { Arguments, Command, Terminal } from "./command.ts";
import { openSettings } from "./settings.ts";

export const command: Command = {
  summary: "the console; the same as no command at all",
  usage: "console",
  description: "Opens the console over all configured clusters. Without a terminal it is `pgrescue status`.",
  options: {},
  examples: [
    "pgrescue                                   # opens the console",
    "pgrescue --plain                           # line by line, for serial consoles and screen readers",
  ],
  run: async (args, terminal) => {
    if (!terminal.stdin.isTTY || !terminal.stdout.isTTY) {
      const { command: status } = await import("./status.ts");
      return await status.run(args, terminal);
    }
    const settings = await openSettings(args, terminal);
    const code = await runAsOwner("console", args, settings, terminal);
    return code ?? (await openConsole(args, terminal));
  },
};

/** Opens the console, or the plain mode where the terminal cannot draw or the operator asks for it; on a run where one is named. */
export async function openConsole(args: Arguments, terminal: Terminal, run?: string): Promise<number> {
  const { createConsolePort } = await import("./console/console-port.ts");
  const port = await createConsolePort(args, terminal);
  const options = { stdin: terminal.stdin, stdout: terminal.stdout, ...(run === undefined ? {} : { run }) };
  if (args.flag("plain") || terminal.env["TERM"] === "dumb" || terminal.env["TERM"] === undefined) {
    const { createPrompter } = await import("../faces/lines/terminal-prompter.ts");
    const { startLines } = await import("../faces/lines/lines.ts");
    await startLines(port, createPrompter(terminal.stdin, terminal.stdout), run === undefined ? {} : { run });
    return 0;
  }
  const { startConsole } = await import("../faces/tui/start.tsx");
  const kept = await startConsole(port, {
    ...options,
    isAscii: args.flag("ascii"),
    hasColor: !args.flag("no-color") && (terminal.env["NO_COLOR"] ?? "") === "",
  });
  for (const line of kept) terminal.print(line);
  return 0;
}

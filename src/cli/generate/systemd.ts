import { mkdir, open } from "node:fs/promises";
import { join, resolve } from "node:path";
import { thisProgram } from "../../adapters/system/program.ts";
import { messageOf, PgrescueError } from "../../domain/errors.ts";
import { parseDuration } from "../../domain/quantity.ts";
import { onCalendar } from "../../domain/schedule/on-calendar.ts";
import type { ScheduledWork } from "../../domain/schedule/entry.ts";
import { configOptions, scheduledWork, waitingOptions } from "./scheduled.ts";
import type { Topic } from "./topic.ts";

/** A service and a timer for each entry of the schedule. */
export const systemd: Topic = {
  summary: "a service and a timer for each entry of the schedule",
  examples: [
    "pgrescue generate systemd                                 # to read",
    "pgrescue generate systemd --output /etc/systemd/system    # files that are there are left alone",
  ],
  run: async (args, terminal) => {
    const { settings, work } = await scheduledWork(args, terminal);
    const user = args.string("user") ?? "postgres";
    const units = work.flatMap((one) => unitsOf(one, user, configOptions(settings)));
    const output = args.string("output");
    if (output === undefined) {
      for (const { name, text } of units) terminal.print(`# ${name}\n${text}`);
      return 0;
    }
    const directory = resolve(terminal.cwd, output);
    await mkdir(directory, { recursive: true });
    for (const { name, text } of units) await writeNew(join(directory, name), text);
    terminal.log(`${units.length} units are in ${directory}. Now:`);
    terminal.log("  systemctl daemon-reload");
    terminal.log(`  systemctl enable --now ${work.map((one) => `pgrescue-${one.name}.timer`).join(" ")}`);
    return 0;
  },
};

interface Unit {
  readonly name: string;
  readonly text: string;
}

function unitsOf(work: ScheduledWork, user: string, options: readonly string[]): readonly Unit[] {
  const { node, script } = thisProgram();
  const { at, timeZone, jitter, missed } = work.entry;
  const command = [...work.command(null), ...(work.entry.backup === undefined ? [] : ["--slot", "latest"])];
  const words = [node, script, ...command, ...waitingOptions(work), ...options, "--no-input", "--no-color"];
  const name = `pgrescue-${work.name}`;
  const seconds = Math.round(parseDuration(jitter ?? "0s") ?? 0);
  return [
    {
      name: `${name}.service`,
      text: lines(
        "[Unit]",
        `Description=pgrescue: ${specifiers(work.words)}`,
        "Documentation=man:systemd.timer(5)",
        "After=network-online.target postgresql.service",
        "Wants=network-online.target",
        "",
        "[Service]",
        "Type=oneshot",
        `User=${user}`,
        `ExecStart=${words.map(quoted).join(" ")}`,
        // It stops what it does so that it can be continued.
        "TimeoutStopSec=120",
        "NoNewPrivileges=true",
      ),
    },
    {
      name: `${name}.timer`,
      text: lines(
        "[Unit]",
        `Description=pgrescue: ${specifiers(work.words)}, as scheduled`,
        "",
        "[Timer]",
        ...onCalendar(at, timeZone).map((when) => `OnCalendar=${when}`),
        ...(seconds === 0 ? [] : [`RandomizedDelaySec=${seconds}`]),
        `Persistent=${missed === "run"}`,
        "",
        "[Install]",
        "WantedBy=timers.target",
      ),
    },
  ];
}

function lines(...all: readonly string[]): string {
  return `${all.join("\n")}\n`;
}

/** A word of ExecStart: `%` and `$` mean something there, quotes and backslashes are C's. */
function quoted(word: string): string {
  const escaped = specifiers(word).replaceAll("$", "$$$$");
  if (/^[A-Za-z0-9_@%$+=:,./-]+$/.test(escaped)) return escaped;
  return `"${escaped.replaceAll("\\", "\\\\").replaceAll('"', String.raw`\"`)}"`;
}

function specifiers(text: string): string {
  return text.replaceAll("%", "%%");
}

async function writeNew(path: string, text: string): Promise<void> {
  try {
    const file = await open(path, "wx", 0o644);
    await file.writeFile(text);
    await file.close();
  } catch (error) {
    throw new PgrescueError("precondition-refused", `${path} cannot be made: ${messageOf(error)}`, {
      next: "Compare what is there with what is printed without --output; move it away first.",
      cause: error,
    });
  }
}

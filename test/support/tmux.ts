import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { temporaryDirectory } from "./temporary-directory.ts";

const run = promisify(execFile);

/** A real terminal in a tmux server of its own, with one program in it. The server ends with the scope. */
export interface TmuxTerminal extends AsyncDisposable {
  /** What the terminal shows now: one string for each of its lines, without the blanks at their end. */
  frame(): Promise<readonly string[]>;
  /** Waits until the screen matches and gives it as one text. Fails with the screen after `seconds` (60). */
  waitFor(pattern: RegExp, seconds?: number): Promise<string>;
  /** Presses keys by tmux's names: `Enter`, `Escape`, `Down`, `C-c`. */
  press(...keys: readonly string[]): Promise<void>;
  /** Types text as it stands. */
  type(text: string): Promise<void>;
  /** Every different screen that was seen while a full-screen program had the terminal. */
  fullScreens(): readonly (readonly string[])[];
  /** All that the terminal has shown, the lines that scrolled away included. */
  history(): Promise<string>;
}

export interface TmuxOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a program in a terminal of 80x24 unless told otherwise. When the program ends, `[exit CODE]` is printed below
 * what it left, and the terminal stays.
 */
export async function openTmux(argv: readonly string[], options: TmuxOptions = {}): Promise<TmuxTerminal> {
  const { columns = 80, rows = 24, env = {} } = options;
  const directory = await temporaryDirectory();
  const name = `pgrescue-${process.pid}-${randomBytes(4).toString("hex")}`;
  const configuration = join(directory.path, "tmux.conf");
  await writeFile(configuration, "set -g status off\nset -sg escape-time 0\nset -g history-limit 20000\n");
  const script = join(directory.path, "start.sh");
  const words = [...Object.entries(env).map(([key, value]) => `${key}=${value}`), ...argv].map(shellWord).join(" ");
  await writeFile(script, `env -u NO_COLOR ${words}\necho "[exit $?]"\nexec sleep 1000\n`);
  const tmux = async (...words: readonly string[]): Promise<string> =>
    (await run("tmux", ["-L", name, "-f", configuration, ...words])).stdout;
  await tmux("new-session", "-d", "-x", String(columns), "-y", String(rows), `exec sh ${shellWord(script)}`);
  const seen = new Map<string, readonly string[]>();
  const frame = async (): Promise<readonly string[]> => {
    // One client call for both: the screen must not change between the question and the picture.
    // -J joins what the terminal had to wrap: a line that is too long is seen as one.
    const text = await tmux("display-message", "-p", "#{alternate_on}", ";", "capture-pane", "-p", "-J");
    const [alternate, ...lines] = text.split("\n").map((line) => line.trimEnd());
    const shown = lines.slice(0, rows);
    if (alternate === "1") seen.set(shown.join("\n"), shown);
    return shown;
  };
  return {
    frame,
    waitFor: async (pattern, seconds = 60) => {
      const until = performance.now() + seconds * 1000;
      for (;;) {
        const text = (await frame()).join("\n");
        if (pattern.test(text)) return text;
        if (performance.now() > until) throw new Error(`the terminal never showed ${String(pattern)}:\n${text}`);
        await delay(40);
      }
    },
    press: async (...keys) => void (await tmux("send-keys", ...keys)),
    type: async (text) => void (await tmux("send-keys", "-l", "--", text)),
    fullScreens: () => [...seen.values()],
    history: () => tmux("capture-pane", "-p", "-J", "-S", "-"),
    [Symbol.asyncDispose]: async () => {
      await tmux("kill-server").catch(() => undefined);
      await directory[Symbol.asyncDispose]();
    },
  };
}

function shellWord(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

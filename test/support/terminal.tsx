import { EventEmitter } from "node:events";
import { stripVTControlCharacters } from "node:util";
import { render } from "ink";
import type { ConsolePort } from "../../src/faces/console-port.ts";
import { App } from "../../src/faces/tui/app.tsx";
import type { Effect } from "../../src/faces/tui/effects.ts";
import { initialModel } from "../../src/faces/tui/update.ts";

/** A terminal that is not there: what is written to it, and keys that nobody pressed. */
class FakeStdout extends EventEmitter {
  readonly isTTY = true;
  columns: number;
  rows: number;
  readonly frames: string[] = [];

  constructor(columns: number, rows: number) {
    super();
    this.columns = columns;
    this.rows = rows;
  }

  write = (text: string, ...rest: readonly unknown[]): boolean => {
    const done = rest.at(-1);
    if (typeof done === "function") queueMicrotask(() => void done());
    const plain = stripVTControlCharacters(text);
    // Empty writes are the cursor's; the last frame is what a reader sees.
    if (plain.trim() !== "") this.frames.push(plain);
    return true;
  };
}

class FakeStdin extends EventEmitter {
  readonly isTTY = true;
  #data: string | null = null;

  send(data: string): void {
    this.#data = data;
    this.emit("readable");
  }

  read(): string | null {
    const data = this.#data;
    this.#data = null;
    return data;
  }

  setEncoding(): void {}
  setRawMode(): void {}
  resume(): void {}
  pause(): void {}
  ref(): void {}
  unref(): void {}
}

const named: Readonly<Record<string, string>> = {
  enter: "\r",
  esc: "\u001b",
  tab: "\t",
  up: "\u001b[A",
  down: "\u001b[B",
  right: "\u001b[C",
  left: "\u001b[D",
  backspace: "\u007f",
  "ctrl-c": "\u0003",
};

/** An open console: the frame as text, keys by name or as text, and its end. */
export interface TestConsole extends AsyncDisposable {
  frame(): string;
  readonly frames: readonly string[];
  press(...keys: readonly string[]): Promise<void>;
  /** Waits until a frame shows the text, and gives that frame; fails after 5 s with the last one. */
  shows(text: string): Promise<string>;
  resize(columns: number, rows: number): void;
  /** What is left on the terminal after the console closed itself. */
  readonly kept: Promise<readonly string[]>;
  readonly copied: readonly string[];
}

/** Opens the real console on a terminal of 80x24 (or another size) and lets a test drive it to its end. */
export function openConsole(
  port: ConsolePort,
  options: {
    readonly columns?: number;
    readonly rows?: number;
    readonly isAscii?: boolean;
    readonly run?: string;
  } = {},
): TestConsole {
  const stdout = new FakeStdout(options.columns ?? 80, options.rows ?? 24);
  const stdin = new FakeStdin();
  const copied: string[] = [];
  const { columns, rows } = stdout;
  const first: readonly Effect[] = [
    { do: "load-home" },
    ...(options.run === undefined ? [] : [{ do: "attach" as const, run: options.run }]),
  ];
  const app = render(
    <App
      port={port}
      initial={initialModel({ now: port.now(), columns, rows })}
      first={first}
      appearance={{ hasColor: false, isAscii: options.isAscii ?? false }}
      copy={(text) => void copied.push(text)}
    />,
    {
      stdout: stdout as unknown as NodeJS.WriteStream,
      stdin: stdin as unknown as NodeJS.ReadStream,
      debug: true,
      interactive: true,
      exitOnCtrlC: false,
      patchConsole: false,
    },
  );
  const frame = (): string => stdout.frames.at(-1) ?? "";
  return {
    frame,
    frames: stdout.frames,
    copied,
    async press(...keys) {
      for (const key of keys) {
        stdin.send(named[key] ?? key);
        // A lone Esc is told from the beginning of a sequence by time.
        await pause(key === "esc" ? 60 : 15);
      }
    },
    async shows(text) {
      const end = Date.now() + 5000;
      while (!frame().includes(text)) {
        if (Date.now() > end) throw new Error(`"${text}" is not on the screen:\n${frame()}`);
        await pause(20);
      }
      return frame();
    },
    resize(columns_, rows_) {
      stdout.columns = columns_;
      stdout.rows = rows_;
      stdout.emit("resize");
    },
    kept: app.waitUntilExit().then((kept) => (Array.isArray(kept) ? kept.map(String) : [])),
    [Symbol.asyncDispose]: async () => {
      app.unmount();
      app.cleanup();
      await pause(0);
    },
  };
}

/** A frame without blanks at the ends of its lines, as snapshots keep it. */
export function trimmed(frame: string): string {
  return frame
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}

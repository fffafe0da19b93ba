import { render } from "ink";
import type { ConsolePort } from "../console-port.ts";
import { App } from "./app.tsx";
import type { Effect } from "./effects.ts";
import { initialModel } from "./update.ts";

export interface ConsoleOptions {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly isAscii: boolean;
  /** False for NO_COLOR and --no-color. */
  readonly hasColor: boolean;
  /** Opens on this run. */
  readonly run?: string;
  /** Opens on this cluster where there are several. */
  readonly cluster?: string;
}

/**
 * Opens the full-screen console and resolves when it is closed, with the lines that the terminal shall keep. Runs that
 * it started go on.
 */
export async function startConsole(port: ConsolePort, options: ConsoleOptions): Promise<readonly string[]> {
  const { stdin, stdout } = options;
  const initial = initialModel({
    now: port.now(),
    columns: stdout.columns,
    rows: stdout.rows,
    cluster: options.cluster ?? null,
  });
  const first: readonly Effect[] = [
    { do: "load-home" },
    ...(options.run === undefined ? [] : [{ do: "attach" as const, run: options.run }]),
  ];
  const app = render(
    <App
      port={port}
      initial={initial}
      first={first}
      appearance={{ hasColor: options.hasColor, isAscii: options.isAscii }}
      copy={(text) => void stdout.write(clipboard(text))}
    />,
    {
      stdin,
      stdout,
      exitOnCtrlC: false,
      // It is only opened at a terminal; where CI is set, Ink would else keep silent until the end.
      interactive: true,
      maxFps: 10,
      alternateScreen: true,
      incrementalRendering: true,
    },
  );
  const kept = await app.waitUntilExit();
  return Array.isArray(kept) ? kept.map(String) : [];
}

/** OSC 52: the terminal puts the text on its clipboard, also over ssh; terminals that cannot ignore it. */
function clipboard(text: string): string {
  return `\u001b]52;c;${Buffer.from(text).toString("base64")}\u0007`;
}

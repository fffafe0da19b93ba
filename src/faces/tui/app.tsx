import { useApp, useInput, usePaste, useWindowSize } from "ink";
import { useEffect, type ReactNode } from "react";
import type { ConsolePort } from "../console-port.ts";
import type { Effect } from "./effects.ts";
import { farewell } from "./farewell.ts";
import { frameRows } from "./frame-rows.ts";
import { keyPresses } from "./keys.ts";
import type { Model } from "./model.ts";
import { Rows, type Appearance } from "./rows.tsx";
import { useRun } from "./use-run.ts";

export interface AppProps {
  readonly port: ConsolePort;
  readonly initial: Model;
  readonly first: readonly Effect[];
  readonly appearance: Appearance;
  readonly copy: (text: string) => void;
}

/** The console: keys in, frames out. It ends from its own state only; the exit value is what the terminal keeps. */
export function App({ port, initial, first, appearance, copy }: AppProps): ReactNode {
  const { exit } = useApp();
  const { columns, rows } = useWindowSize();
  const { model, send } = useRun(port, initial, first, copy);

  useInput((input, key) => {
    for (const press of keyPresses(input, key)) send({ is: "key", key: press, at: port.now() });
  });
  usePaste((text) => send({ is: "pasted", text }));
  useEffect(() => send({ is: "resized", columns, rows }), [columns, rows, send]);
  useEffect(() => {
    if (model.isLeaving) exit(farewell(model));
  }, [model, exit]);

  const shown = frameRows(model);
  return <Rows rows={shown} width={model.columns} height={shown.length} appearance={appearance} />;
}

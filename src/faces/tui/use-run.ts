import { useCallback, useEffect, useRef, useState } from "react";
import type { ConsolePort } from "../console-port.ts";
import type { Effect } from "./effects.ts";
import type { Message } from "./messages.ts";
import type { Model } from "./model.ts";
import { createPerformer } from "./perform.ts";
import { update } from "./update.ts";

/** The console's model and the way to change it. */
export interface Running {
  readonly model: Model;
  readonly send: (message: Message) => void;
}

/** Holds the model, does what it wants, and lets its clock tick. `first` is wanted once the first frame stands. */
export function useRun(
  port: ConsolePort,
  initial: Model,
  first: readonly Effect[],
  copy: (text: string) => void,
): Running {
  const [model, setModel] = useState(initial);
  const latest = useRef(model);
  const sender = useRef<(message: Message) => void>(() => {});

  useEffect(() => {
    const performer = createPerformer(port, (message) => sender.current(message), copy);
    sender.current = (message) => {
      const next = update(latest.current, message);
      latest.current = next.model;
      setModel(next.model);
      for (const effect of next.effects) performer.perform(effect);
    };
    for (const effect of first) performer.perform(effect);
    const clock = setInterval(() => sender.current({ is: "tick", at: port.now() }), 1000);
    return () => {
      clearInterval(clock);
      sender.current = () => {};
      performer.close();
    };
    // oxlint-disable-next-line react/exhaustive-deps -- one performer for the life of the window
  }, []);

  const send = useCallback((message: Message) => sender.current(message), []);
  return { model, send };
}

import { PgrescueError } from "../../domain/errors.ts";
import type { ConsolePort } from "../console-port.ts";
import type { RunHandle } from "../run-handle.ts";
import type { Effect } from "./effects.ts";
import { failureOf } from "./loadable.ts";
import type { Message } from "./messages.ts";
import { pump } from "./pump.ts";

/** Does what the console wants, and answers with messages. */
export interface Performer {
  perform(effect: Effect): void;
  /** Lets go of everything; runs go on. */
  close(): void;
}

/** A performer over the port. `copy` puts a text on the operator's clipboard. */
export function createPerformer(
  port: ConsolePort,
  send: (message: Message) => void,
  copy: (text: string) => void,
): Performer {
  let handle: RunHandle | null = null;
  let assessing: AbortController | null = null;

  const join = (joined: RunHandle): void => {
    handle?.close();
    handle = joined;
    send({ is: "joined", run: joined.id, isLive: joined.isLive });
    void pump(joined, (message) => {
      // A run that is not shown any more must not move the screen.
      if (handle === joined) send(message);
    });
  };
  const live = (): RunHandle => {
    if (handle?.isLive !== true)
      throw new PgrescueError("precondition-refused", "no runner works on this run", {
        next: "Go on with it with Enter, or with `pgrescue continue`.",
      });
    return handle;
  };

  async function act(effect: Effect): Promise<void> {
    switch (effect.do) {
      case "load-home":
        send({ is: "home", home: await port.loadHome() });
        return;
      case "assess": {
        assessing?.abort();
        const mine = new AbortController();
        assessing = mine;
        for await (const event of port.assess(effect.cluster, mine.signal)) {
          if (mine.signal.aborted) return;
          send({ is: "assessed", cluster: effect.cluster, event });
        }
        return;
      }
      case "survey":
        send({ is: "survey", cluster: effect.cluster, survey: await port.survey(effect.cluster) });
        return;
      case "resolve":
        send({
          is: "target",
          request: effect.request,
          answer: await port.resolveTarget(effect.cluster, effect.request),
        });
        return;
      case "methods":
        send({ is: "methods", methods: await port.methods(effect.cluster, effect.target) });
        return;
      case "preflight":
        send({ is: "preflight", preflight: await port.preflight(effect.choice) });
        return;
      case "start":
        join(await port.start(effect.choice));
        return;
      case "backup":
        join(await port.backup(effect.cluster));
        return;
      case "attach":
        join(await port.attach(effect.run));
        return;
      case "resume":
        join(await port.resume(effect.run));
        return;
      case "answer":
        await live().answer(effect.question, effect.value);
        return;
      case "pause":
        await live().pause();
        return;
      case "abort":
        await live().abort();
        return;
      case "note":
        await live().note(effect.text);
        return;
      case "copy":
        copy(effect.text);
        send({ is: "said", text: `Copied: ${effect.text}` });
        return;
      default:
        return;
    }
  }

  return {
    perform(effect) {
      act(effect).catch((error: unknown) => {
        send({ is: "failed", effect: effect.do, failure: failureOf(error) });
      });
    },
    close() {
      assessing?.abort();
      handle?.close();
      handle = null;
    },
  };
}

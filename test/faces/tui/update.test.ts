import { describe, expect, test } from "vitest";
import { instant } from "../../../src/domain/instant.ts";
import type { RunEvent } from "../../../src/domain/run/events.ts";
import { frameRows } from "../../../src/faces/tui/frame-rows.ts";
import { bindingsOf, footerHints } from "../../../src/faces/tui/bindings.ts";
import type { Effect } from "../../../src/faces/tui/effects.ts";
import type { Message } from "../../../src/faces/tui/messages.ts";
import type { Model, ScreenName } from "../../../src/faces/tui/model.ts";
import { screens } from "../../../src/faces/tui/screens.ts";
import { cells, textOf } from "../../../src/faces/tui/text.ts";
import { toAscii } from "../../../src/faces/tui/theme.ts";
import { initialModel, update } from "../../../src/faces/tui/update.ts";
import { methods, now, oneCluster, preflight, survey, twoClusters } from "../../support/console-world.ts";
import { recordedStory, storyUntil } from "../../support/story.ts";

const run = "R20261120-0314-k3f";

/** The console after messages, with everything it wanted from outside. */
function after(start: Model, ...messages: readonly Message[]): { model: Model; effects: readonly Effect[] } {
  let model = start;
  const effects: Effect[] = [];
  for (const message of messages) {
    const next = update(model, message);
    model = next.model;
    effects.push(...next.effects);
  }
  return { model, effects };
}

function key(name: string, seconds = 0): Message {
  const typed = name.length === 1 ? name : "";
  return { is: "key", key: { name, typed }, at: instant(now + BigInt(seconds) * 1_000_000n) };
}

const typed = (text: string, seconds = 0): readonly Message[] => Array.from(text, (c) => key(c, seconds));

const start = initialModel({ now, columns: 80, rows: 24 });
const loaded = after(start, { is: "home", home: oneCluster }).model;
const joined: readonly Message[] = [{ is: "joined", run, isLive: true }];
const events = (list: readonly RunEvent[]): Message => ({ is: "events", run, events: list });
const asked = after(loaded, ...joined, events(storyUntil((e) => e.event === "answered"))).model;

const answers = (effects: readonly Effect[]): readonly Effect[] => effects.filter((e) => e.do === "answer");

describe("a dangerous question", () => {
  test("comes to the front with nothing typed", () => {
    expect(asked.path.at(-1)).toBe("question");
    expect(asked.question.text).toBe("");
  });

  test("says once what it is about to do", () => {
    const rows = frameRows(asked).map(textOf);
    expect(rows.filter((line) => line.startsWith("║ What "))).toHaveLength(1);
  });

  test("ignores Enter for a second after it opened, even with the right text", () => {
    expect(answers(after(asked, ...typed("shop@db1"), key("enter", 0)).effects)).toEqual([]);
    expect(answers(after(asked, ...typed("shop@db1"), key("enter", 2)).effects)).toEqual([
      { do: "answer", question: "stop#1", value: "shop@db1" },
    ]);
  });

  test.each(["", "shop", "Shop@db1", "shop@db1 ", "y"])("does not take %j for the text", (text) => {
    expect(answers(after(asked, ...typed(text), key("enter", 5)).effects)).toEqual([]);
  });

  test("is answered once, however often Enter is pressed", () => {
    const { effects } = after(asked, ...typed("shop@db1"), key("enter", 2), key("enter", 3));
    expect(answers(effects)).toHaveLength(1);
  });

  test("takes a pasted text, but never a pasted line break as Enter", () => {
    const pasted = after({ ...asked, now: instant(now + 9_000_000n) }, { is: "pasted", text: "shop@db1\n" });
    expect(pasted.model.question.text).toBe("shop@db1");
    expect(answers(pasted.effects)).toEqual([]);
  });

  test("goes away unanswered with Esc, and Enter opens it again", () => {
    const away = after(asked, ...typed("shop"), key("esc"));
    expect(away.model.path.at(-1)).toBe("execute");
    expect(away.effects).toEqual([]);
    expect(after(away.model, key("enter")).model.path.at(-1)).toBe("question");
  });

  test("is not put where no runner takes the answer", () => {
    const dead = after(loaded, { is: "joined", run, isLive: false }, events(storyUntil((e) => e.event === "answered")));
    expect(dead.model.path.at(-1)).toBe("execute");
  });
});

describe("keys", () => {
  test("Esc never quits: on the first screen it says that it is the first", () => {
    const { model } = after(loaded, key("esc"), key("esc"));
    expect(model.isLeaving).toBe(false);
    expect(model.toast).toBe("Not now: this is the first screen.");
  });

  test("a missing action stays visible with its reason", () => {
    expect(after(loaded, key("n")).model.toast).toBe("Not now: the record begins with a run.");
  });

  test("a reason is taken back as soon as what was awaited has come, and not before", () => {
    const waiting = after(start, key("enter")).model;
    expect(waiting.toast).toBe("Not now: the clusters are still being looked at.");
    const later: Message = { is: "tick", at: instant(now + 1_000_000n) };
    expect(after(waiting, later).model.toast).toBe(waiting.toast);
    expect(after(waiting, { is: "home", home: oneCluster }).model.toast).toBeNull();
  });

  test("abort asks first, and only y confirms", () => {
    const running = after(loaded, ...joined, events(storyUntil((e) => e.event === "asked"))).model;
    expect(after(running, key("x"), key("enter")).effects).toEqual([]);
    expect(after(running, key("x"), key("y")).effects).toEqual([{ do: "abort" }]);
  });

  test("no single key changes production from any screen", () => {
    const harmless = new Set([
      "load-home",
      "assess",
      "survey",
      "resolve",
      "methods",
      "preflight",
      "copy",
      "pause",
      "attach",
    ]);
    const names = Array.from({ length: 95 }, (_, i) => String.fromCodePoint(32 + i));
    for (const path of Object.keys(screens) as ScreenName[])
      for (const name of names) {
        const { effects } = after({ ...asked, path: ["home", path] }, key(name === " " ? "space" : name, 5));
        for (const effect of effects) expect(harmless).toContain(effect.do);
      }
  });

  test("the palette finds an action by its words and does it", () => {
    const { model } = after(loaded, key(":"), ...typed("local"), key("enter"));
    expect(model.zone).toBe("local");
  });

  test("the filter narrows the list of points, Esc brings all of them back", () => {
    const listed = after({ ...loaded, cursor: 3 }, key("enter"), { is: "survey", cluster: "shop", survey }).model;
    const narrowed = after(listed, key("/"), ...typed("dump"), key("enter")).model;
    expect(frameText(narrowed)).not.toContain("full  Nov");
    expect(frameText(after(narrowed, key("esc")).model)).toContain("full  Nov");
  });

  test("every binding of every screen has words for footer and help", () => {
    for (const path of Object.keys(screens) as ScreenName[])
      for (const binding of bindingsOf({ ...asked, path: [path] })) {
        expect(binding.hint).not.toBe("");
        expect(binding.help.length).toBeLessThanOrEqual(29);
      }
  });

  test("the footer fits and always offers help", () => {
    for (const path of Object.keys(screens) as ScreenName[]) {
      const hints = footerHints({ ...asked, path: ["home", path] }, 78);
      expect(cells(hints)).toBeLessThanOrEqual(78);
      expect(hints).toContain("? help");
    }
  });
});

describe("what comes late", () => {
  test("an answer to an older target is dropped", () => {
    const { model } = after({ ...loaded, cursor: 1 }, key("enter"), ...typed("02:51"));
    const late = after(model, {
      is: "target",
      request: { kind: "time", text: "02" },
      answer: { isReachable: false, refusal: { reason: "r", next: "n" } },
    });
    expect(late.model.target.answer).toBeNull();
  });

  test("events of a run that is not shown any more are dropped", () => {
    const { model } = after(asked, { is: "events", run: "R-other", events: recordedStory() });
    expect(model.run?.state).toBe(asked.run?.state);
  });

  test("starting twice starts once", () => {
    const ready = after(
      { ...loaded, path: ["home", "preflight"], preflight: { ...loaded.preflight, choice: choice() } },
      { is: "preflight", preflight },
      key("enter"),
      key("enter"),
    );
    expect(ready.effects.filter((e) => e.do === "start")).toHaveLength(1);
  });

  test("a preflight with a failed check cannot be started", () => {
    const failed = {
      ...preflight,
      verdicts: [{ check: "space", title: "space", result: "fail" as const, evidence: "no" }],
    };
    const { effects, model } = after(
      { ...loaded, path: ["home", "preflight"], preflight: { ...loaded.preflight, choice: choice() } },
      { is: "preflight", preflight: failed },
      key("enter"),
    );
    expect(effects).toEqual([]);
    expect(model.toast).toBe("Not now: failed: space.");
  });
});

describe("the quiet watchdog", () => {
  const story = recordedStory();
  const ticks = story
    .slice(0, story.findIndex((e) => e.event === "progress" && e.step === "replay") + 3)
    .filter((e) => e.event !== "asked" && e.event !== "answered");
  const last = ticks.at(-1)?.at ?? "";
  const quiet = (seconds: number): string => {
    const model = after(loaded, ...joined, events(ticks)).model;
    const at = instant(BigInt(Date.parse(last)) * 1000n + BigInt(seconds) * 1_000_000n);
    return frameText({ ...model, now: at });
  };

  test("says nothing alarming at first, warns after 30 s, explains after 60 s", () => {
    expect(quiet(5)).toContain("last progress 5 s ago");
    expect(quiet(31)).toContain("[WARN] nothing moved for 31 s");
    expect(quiet(61)).toContain("waits for restored log file from archive");
  });

  test("never shows 100 % before the step has finished", () => {
    expect(quiet(1)).not.toContain("100 %");
  });
});

describe("every frame", () => {
  const ended = after(
    loaded,
    ...joined,
    events(recordedStory().filter((e) => e.event !== "asked" && e.event !== "answered")),
  ).model;
  const full: Model = {
    ...ended,
    methods: { list: { status: "ready", value: methods } },
    points: { cluster: "shop", survey: { status: "ready", value: survey }, scrub: 500 },
    preflight: { choice: choice(), view: { status: "ready", value: preflight }, isDryRun: false, isStarting: false },
  };
  const models: readonly Model[] = [
    loaded,
    asked,
    full,
    { ...full, overlay: { kind: "help", top: 0 } },
    { ...full, overlay: { kind: "palette", text: "", cursor: 0 } },
    { ...asked, overlay: { kind: "interrupt" } },
  ];

  test.each([
    [60, 15],
    [80, 24],
    [119, 40],
    [120, 24],
    [200, 50],
    [20, 4],
  ])("of %i by %i fits, with one line to spare", (columns, rows) => {
    for (const model of models)
      for (const path of Object.keys(screens) as ScreenName[]) {
        const lines = frameRows({ ...model, columns, rows, path: ["home", path] });
        expect(lines.length).toBeLessThanOrEqual(rows - 1);
        for (const line of lines) expect(cells(textOf(line))).toBeLessThanOrEqual(columns);
      }
  });

  test("in ASCII has nothing but ASCII, cell by cell", () => {
    for (const model of models)
      for (const path of Object.keys(screens) as ScreenName[])
        for (const line of frameRows({ ...model, path: ["home", path] })) {
          const text = textOf(line);
          expect(toAscii(text)).toMatch(/^[\u0020-\u007e]*$/);
          expect(toAscii(text).replaceAll(/[^?]/g, "")).toBe(text.replaceAll(/[^?]/g, ""));
          expect(toAscii(text)).toHaveLength(text.length);
        }
  });

  test("shows no control character that came from outside", () => {
    const hostile = "x\u001b[2J\u0007\u202eevil";
    const [cluster] = oneCluster.clusters;
    if (cluster === undefined) throw new Error("no cluster");
    const home = {
      ...oneCluster,
      clusters: [{ ...cluster, facts: [{ label: "STATE", result: null, text: hostile }] }],
    };
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    expect(frameText(after(start, { is: "home", home }).model)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  });
});

function choice(): NonNullable<Model["preflight"]["choice"]> {
  return {
    cluster: "shop",
    method: "restore-to-scratch",
    target: {
      request: { kind: "latest", text: "" },
      title: "newest",
      understood: [],
      at: null,
      lost: "none",
      warnings: [],
      arguments: ["--latest"],
    },
  };
}

function frameText(model: Model): string {
  return frameRows(model).map(textOf).join("\n");
}

test("Esc leads from a run that was opened from the command line to the clusters, where there are several", () => {
  const opened = after(start, ...joined, { is: "home", home: twoClusters }).model;
  expect(opened.path).toEqual(["fleet", "execute"]);
  expect(after(opened, key("esc")).model.path).toEqual(["fleet"]);
});

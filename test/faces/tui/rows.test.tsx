import { render } from "ink-testing-library";
import { describe, expect, test } from "vitest";
import { Rows } from "../../../src/faces/tui/rows.tsx";
import { cells, cut, left, right, row, span, together, wrap } from "../../../src/faces/tui/text.ts";
import { bar, sparkline } from "../../../src/faces/tui/theme.ts";
import { strip } from "../../../src/faces/tui/strip.ts";
import { holes, moment, windows } from "../../support/console-world.ts";

describe("lines on the screen", () => {
  test("are exactly as many as there is room for, each cut to the width", () => {
    const rows = [row("a long line that does not fit"), row(span("b", "bad")), row("c"), row("d")];
    const { lastFrame, unmount } = render(
      <Rows rows={rows} width={10} height={3} appearance={{ hasColor: false, isAscii: false }} />,
    );
    expect(lastFrame()).toBe("a long li…\nb\nc");
    unmount();
  });

  test("in ASCII replace what a serial console cannot show", () => {
    const { lastFrame, unmount } = render(
      <Rows rows={[row("❯ ━━╳━ █░ ≈ …")]} width={20} height={1} appearance={{ hasColor: false, isAscii: true }} />,
    );
    expect(lastFrame()).toBe("> ==x= #. ~ ~");
    unmount();
  });
});

describe("text", () => {
  test("is measured in cells: wide characters take two, combining marks none", () => {
    expect(cells("注文")).toBe(4);
    expect(cells("e\u0301")).toBe(1);
    expect(cut("注文表の名前", 7)).toBe("注文表…");
    expect(left("注文", 6)).toBe("注文  ");
    expect(right("9", 3)).toBe("  9");
  });

  test("is broken at blanks, long words where they must, and never where it belongs together", () => {
    expect(wrap("one two three", 8)).toEqual(["one two", "three"]);
    expect(wrap("abcdefghij", 4)).toEqual(["abcd", "efgh", "ij"]);
    expect(wrap(`delete · ${together("run pg_resetwal")}`, 20)).toEqual(["delete ·", "run pg_resetwal"]);
    expect(wrap("", 5)).toEqual([""]);
  });
});

describe("plots", () => {
  test("a bar is full only when everything is done", () => {
    expect(bar(0.99, 10)).toBe("█████████░");
    expect(bar(1, 10)).toBe("██████████");
  });

  test("a sparkline shows the newest values, the highest as a full block", () => {
    expect(sparkline([1, 2, 4, 8], 3)).toBe("▃▅█");
    expect(sparkline([0, 0], 5)).toBe("▁▁");
    expect(sparkline([], 5)).toBe("");
  });

  test("the window strip shows windows, holes, backups and the chosen moment", () => {
    const from = moment("2026-11-13T01:07:00Z");
    const until = moment("2026-11-20T03:11:31Z");
    const marks = [{ at: moment("2026-11-17T01:04:02Z"), sign: "B" }];
    const chosen = moment("2026-11-19T12:00:00Z");
    expect(strip({ from, until, windows, holes, marks, chosen }, 40)).toBe("━━━━━━━━━━━━━━━━━━━━━━B━━━━╳╳━━━━━━┿━━━━");
  });
});

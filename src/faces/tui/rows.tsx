import { Box, Text } from "ink";
import type { ReactNode } from "react";
import { cutRow, type Row } from "./text.ts";
import { lookOf, toAscii } from "./theme.ts";

/** What the terminal can show. */
export interface Appearance {
  readonly hasColor: boolean;
  readonly isAscii: boolean;
}

interface Props {
  readonly rows: readonly Row[];
  readonly width: number;
  /** Exactly as many lines are drawn: missing ones are empty, more are left out. */
  readonly height: number;
  readonly appearance: Appearance;
}

/** Draws lines, each cut to the width. Everything on the screen goes through here. */
export function Rows({ rows, width, height, appearance }: Props): ReactNode {
  const shown = Array.from({ length: Math.max(0, height) }, (_, i) => rows[i] ?? []);
  return (
    <Box flexDirection="column" width={width}>
      {shown.map((line, i) => (
        // oxlint-disable-next-line react/no-array-index-key -- a line is its place on the screen
        <Line key={i} line={cutRow(line, width)} appearance={appearance} />
      ))}
    </Box>
  );
}

function Line({ line, appearance }: { readonly line: Row; readonly appearance: Appearance }): ReactNode {
  const parts = line.filter((s) => s.text !== "");
  return (
    <Text wrap="truncate-end">
      {parts.length === 0
        ? " "
        : parts.map((s, i) => (
            // oxlint-disable-next-line react/no-array-index-key -- a piece is its place in the line
            <Text key={i} {...lookOf(s.tone, appearance.hasColor)}>
              {appearance.isAscii ? toAscii(s.text) : s.text}
            </Text>
          ))}
    </Text>
  );
}

import type { Row } from "./compare.ts";

/** The rows as a Markdown table. */
export function table(rows: readonly Row[]): string {
  const head = ["what", "ours", "peer", "", "ratio", "goal", "met", "note"];
  const body = rows.map((row) => [
    row.what,
    amount(row, row.ours),
    row.peer === null ? "" : amount(row, row.peer),
    row.peerName,
    row.peer === null ? "" : (row.ours / row.peer).toFixed(2),
    row.peer === null ? amount(row, row.goal) : row.goal.toFixed(2),
    row.met ? "yes" : "NO",
    row.note,
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...body].map((cells) => cells[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(Math.max(width, 3)))), ...body.map(line)].join("\n");
}

function amount({ unit }: Row, value: number): string {
  if (unit === "bytes") return `${Math.round(value / 1024 / 1024)} MB`;
  return value < 1 ? `${(value * 1000).toFixed(value < 0.1 ? 1 : 0)} ms` : `${value.toFixed(2)} s`;
}

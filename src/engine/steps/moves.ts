import type { RecoveryInputs } from "../../domain/plan.ts";
import { isNoContent } from "../../domain/set-aside.ts";
import type { StepContext } from "../step.ts";

/** One thing that is moved aside before the restore and back by undo. */
export interface Move {
  readonly what: "data" | "tablespace" | "pg_wal";
  /** Production's place. */
  readonly from: string;
  /** Where the old content is kept. */
  readonly to: string;
  /** `rename`: the directory itself; `contents`: what is in it, because a mount point or its parent cannot be renamed. */
  readonly how: "rename" | "contents";
  /** The tablespace's oid. */
  readonly oid?: string;
}

function movesFile(ctx: Pick<StepContext, "directory">): string {
  return `${ctx.directory}/moves.json`;
}

/** What this run moves, written down before the first move; null while nothing was decided. */
export async function movesOf(ctx: StepContext): Promise<readonly Move[] | null> {
  const text = await ctx.world.files.read(movesFile(ctx));
  return text === null ? null : (JSON.parse(text) as readonly Move[]);
}

/** Decides once what is moved and where to, by looking at the world; the same answer ever after. */
export async function decideMoves(inputs: RecoveryInputs, ctx: StepContext): Promise<readonly Move[]> {
  const known = await movesOf(ctx);
  if (known !== null) return known;
  const found = await ctx.world.postgres.inspect(inputs.dataDirectory);
  const moves: Move[] = [];
  if (found.kind === "cluster" || found.kind === "other-files") {
    moves.push(await decide("data", inputs.dataDirectory, inputs.asideDirectory, ctx));
    for (const [oid, from] of Object.entries(found.tablespaceLinks)) {
      moves.push({ ...(await decide("tablespace", from, null, ctx)), oid });
    }
    if (found.walLink !== null) moves.push(await decide("pg_wal", found.walLink, null, ctx));
  }
  await ctx.world.files.write(movesFile(ctx), JSON.stringify(moves));
  return moves;
}

async function decide(what: Move["what"], from: string, wanted: string | null, ctx: StepContext): Promise<Move> {
  const { files } = ctx.world;
  const beside = await files.space(`${from}/..`);
  const facts = await files.facts(from);
  const fixed = facts?.mountPoint === true || facts?.kind === "link" || !beside.writable;
  if (fixed) return { what, from, to: `${from}/.pgrescue-before-${ctx.run}`, how: "contents" };
  return { what, from, to: wanted ?? `${from}.before-${ctx.run}`, how: "rename" };
}

/** Whether a move has been made, is half made, or not begun. */
export async function stateOf(move: Move, ctx: StepContext): Promise<"absent" | "partial" | "done"> {
  const { files } = ctx.world;
  const there = await files.list(move.to);
  if (there === null) return "absent";
  if (move.how === "rename") return "done";
  const left = ((await files.list(move.from)) ?? []).filter((name) => !isNoContent(name));
  return left.length === 0 ? "done" : "partial";
}

/** Makes a move, or what is left of it. */
export async function carryOut(from: string, to: string, how: Move["how"], ctx: StepContext): Promise<void> {
  const { files } = ctx.world;
  if (how === "rename") return files.move(from, to);
  await files.makeDirectory(to);
  for (const name of (await files.list(from)) ?? []) {
    if (!isNoContent(name)) await files.move(`${from}/${name}`, `${to}/${name}`);
  }
}

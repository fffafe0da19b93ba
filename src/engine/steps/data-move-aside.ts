import { PgrescueError } from "../../domain/errors.ts";
import type { RecoveryInputs } from "../../domain/plan.ts";
import type { StepContext, StepKind, StepSignal } from "../step.ts";
import { carryOut, decideMoves, movesOf, stateOf, type Move } from "./moves.ts";
import { ownMark } from "./own-mark.ts";
import { recordedNames } from "./recorded.ts";
import { recoveryInputs } from "./recovery-inputs.ts";
import { freeName } from "./set-aside.ts";
import { logged, recorded } from "./signals.ts";

/**
 * Renames the old data directory, its tablespaces and a linked pg_wal, which stay a whole cluster: its links follow. Where
 * a directory is a mount point its contents move. Nothing is deleted; undo swaps back and keeps what was restored.
 */
export const step: StepKind<Record<string, never>> = {
  name: "data.move-aside",
  risk: "production",
  parse: () => ({}),
  describe(_p, raw) {
    const inputs = recoveryInputs(raw);
    const spaces = Object.values(inputs.tablespaces).map((from) => `${from} likewise`);
    return {
      text: [`move ${inputs.dataDirectory} to ${inputs.asideDirectory}, deleting nothing`, ...spaces].join("\n"),
      commands: [],
    };
  },
  async probe(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    const moves = await movesOf(ctx);
    if (await isTakenBack(ctx)) return "absent";
    if (moves === null || moves.length === 0) {
      const { kind } = await ctx.world.postgres.inspect(inputs.dataDirectory);
      if (kind === "missing" || kind === "empty" || kind === "unfinished-restore") return "done";
      return (await ownMark(inputs.dataDirectory, ctx)) === "this-run" ? "done" : "absent";
    }
    const states = await Promise.all(moves.map((move) => stateOf(move, ctx)));
    if (states.every((state) => state === "done") && (await followed(moves, ctx))) return "done";
    return states.every((state) => state === "absent") ? "absent" : "partial";
  },
  async *run(_p, ctx) {
    const inputs = recoveryInputs(ctx.inputs);
    await refuseRunning(inputs, ctx);
    const moves = await decideMoves(inputs, ctx);
    for (const move of moves) {
      if ((await stateOf(move, ctx)) !== "done") {
        const mode = (await ctx.world.files.facts(move.from))?.mode;
        await carryOut(move.from, move.to, move.how, ctx);
        // An empty directory of the same mode takes its place; for the data directory the restore makes it.
        if (move.how === "rename" && move.what !== "data")
          await ctx.world.files.makeDirectory(move.from, mode ?? 0o700);
        yield logged(`moved ${move.from} to ${move.to}`);
      } else if (move.what !== "data" && move.how === "rename") await ctx.world.files.makeDirectory(move.from);
    }
    await pointLinks(moves, "to", ctx);
    yield recorded(recordedNames.aside, { moves: moves.map(({ what, from, to }) => ({ what, from, to })) });
  },
  async *undo(_p, ctx): AsyncGenerator<StepSignal> {
    const inputs = recoveryInputs(ctx.inputs);
    await refuseRunning(inputs, ctx);
    for (const move of (await movesOf(ctx)) ?? []) {
      if ((await stateOf(move, ctx)) === "absent") continue;
      const base =
        move.how === "rename" ? `${move.from}.undone-${ctx.run}` : `${move.from}/.pgrescue-undone-${ctx.run}`;
      // Once the old content goes back, what is in its place is no longer only what was restored.
      if (await isGoingBack(move, ctx)) {
        await putBack(move, ctx);
        continue;
      }
      if (((await ctx.world.files.list(move.from)) ?? []).length > 0) {
        const kept = await freeName(base, ctx);
        await carryOut(move.from, kept, move.how, ctx);
        yield logged(`kept what was restored to ${move.from} as ${kept}`);
      } else if (move.how === "rename" && (await ctx.world.files.facts(move.from)) !== null) {
        await ctx.world.files.move(move.from, await freeName(base, ctx));
      }
      await ctx.world.files.write(goingBackFile(move, ctx), "");
      await putBack(move, ctx);
      yield logged(`moved ${move.to} back to ${move.from}`);
    }
    await pointLinks((await movesOf(ctx)) ?? [], "from", ctx);
    await ctx.world.files.write(takenBackFile(ctx), "");
  },
};

function takenBackFile(ctx: StepContext): string {
  return `${ctx.directory}/moves-taken-back`;
}

async function isTakenBack(ctx: StepContext): Promise<boolean> {
  return (await ctx.world.files.facts(takenBackFile(ctx))) !== null;
}

function goingBackFile(move: Move, ctx: StepContext): string {
  return `${ctx.directory}/going-back-${move.what}-${move.oid ?? "0"}`;
}

async function isGoingBack(move: Move, ctx: StepContext): Promise<boolean> {
  return (await ctx.world.files.facts(goingBackFile(move, ctx))) !== null;
}

async function putBack(move: Move, ctx: StepContext): Promise<void> {
  const { files } = ctx.world;
  if (move.how === "rename") return files.move(move.to, move.from);
  for (const name of (await files.list(move.to)) ?? []) await files.move(`${move.to}/${name}`, `${move.from}/${name}`);
}

/** Where the old cluster's own links are, wherever it lies now: [link, what it must point to]. */
function linksOf(moves: readonly Move[], side: "from" | "to"): readonly (readonly [string, string])[] {
  const data = moves.find((move) => move.what === "data");
  if (data === undefined) return [];
  return moves.flatMap((move) => {
    if (move.what === "data") return [];
    const path = move.what === "pg_wal" ? "pg_wal" : `pg_tblspc/${move.oid}`;
    return [[`${data[side]}/${path}`, move[side]] as const];
  });
}

async function followed(moves: readonly Move[], ctx: StepContext): Promise<boolean> {
  for (const [link, target] of linksOf(moves, "to")) {
    if ((await ctx.world.files.facts(link))?.target !== target) return false;
  }
  return true;
}

async function pointLinks(moves: readonly Move[], side: "from" | "to", ctx: StepContext): Promise<void> {
  for (const [link, target] of linksOf(moves, side)) await ctx.world.files.link(target, link);
}

async function refuseRunning(inputs: RecoveryInputs, ctx: StepContext): Promise<void> {
  const { postmaster } = await ctx.world.postgres.inspect(inputs.dataDirectory);
  if (postmaster === null) return;
  throw new PgrescueError("precondition-refused", `a server runs on ${inputs.dataDirectory}, pid ${postmaster.pid}`, {
    next: "Stop it through what manages it, then continue.",
  });
}

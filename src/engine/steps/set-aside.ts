import type { StepContext } from "../step.ts";

/** Where a restored directory keeps what it brought along and what must not be there. */
function originals(dataDirectory: string): string {
  return `${dataDirectory}/.pgrescue-original`;
}

/** Moves files of a restored directory out of the way, keeping them; what is not there is fine. Gives what was moved. */
export async function setAside(
  dataDirectory: string,
  names: readonly string[],
  ctx: StepContext,
): Promise<readonly string[]> {
  const { files } = ctx.world;
  const moved: string[] = [];
  for (const name of names) {
    if ((await files.facts(`${dataDirectory}/${name}`)) === null) continue;
    await files.makeDirectory(originals(dataDirectory));
    await files.move(`${dataDirectory}/${name}`, await freeName(`${originals(dataDirectory)}/${name}`, ctx));
    moved.push(name);
  }
  return moved;
}

/** `path`, or with a number behind it where that is taken. */
export async function freeName(path: string, ctx: StepContext): Promise<string> {
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? path : `${path}.${n}`;
    if ((await ctx.world.files.facts(candidate)) === null) return candidate;
  }
}

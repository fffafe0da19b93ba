import { enableCompileCache } from "node:module";
import { isAbsolute, join } from "node:path";

/**
 * The verbs, with commas between them, that have a file `<verb>.js` of their own beside the bundled main (scripts/build.ts):
 * PostgreSQL starts these for every WAL segment, and a file that holds nothing else starts fastest. Not there when the
 * sources run unbundled.
 */
declare const STANDALONE: string | undefined;

/** Runs one command line (without node and script) and gives its exit code. */
export async function main(words: readonly string[]): Promise<number> {
  cacheCompiledCode();
  const [verb = ""] = words;
  if (typeof STANDALONE === "string" && STANDALONE.split(",").includes(verb)) {
    // Not a name that esbuild looks for: the file is bundled on its own.
    const place = new URL(`./${verb}.js`, import.meta.url).href;
    const { run } = (await import(place)) as { readonly run: (words: readonly string[]) => Promise<number> };
    return await run(words);
  }
  const { runProgram } = await import("./cli/program.ts");
  return await runProgram(words);
}

/**
 * In a directory of ours alone: Node's own default is one in /tmp that any user could fill with bytecode for us to run.
 * Without a writable home nothing is kept, and nothing else changes.
 */
function cacheCompiledCode(): void {
  const { HOME: home, XDG_CACHE_HOME: cache = home === undefined ? undefined : join(home, ".cache") } = process.env;
  if (cache !== undefined && isAbsolute(cache)) enableCompileCache(join(cache, "pgrescue", "compile"));
}

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..", "src");
const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name));

/** What each layer may import: layers of this project, and packages by pattern. */
const layers: Readonly<Record<string, { readonly layers: readonly string[]; readonly packages: RegExp }>> = {
  domain: { layers: ["domain"], packages: /^$/ },
  ports: { layers: ["domain", "ports"], packages: /^$/ },
  adapters: { layers: ["domain", "ports", "adapters"], packages: /^(?!ink|react|listr2|@inquirer)/ },
  engine: { layers: ["domain", "ports", "engine"], packages: /^(node:|zod$)/ },
  faces: {
    layers: ["domain", "ports", "engine", "faces"],
    packages: /^(node:|ink|react|listr2|@inquirer|string-width)/,
  },
};

/** Families of adapters that may use each other only through ports; system serves all. */
function familyOf(file: string): string | null {
  const m = /^adapters\/([^/]+)\//.exec(file);
  return m === null ? null : (m[1] ?? null);
}

function importsOf(file: string): readonly string[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|^import\s+)"([^"]+)"/gm)].map((m) => m[1] ?? "");
}

test("the layers' arrows point one way", () => {
  const wrong: string[] = [];
  for (const file of files) {
    const layer = file.split("/")[0] ?? "";
    const rule = layers[layer];
    if (rule === undefined) continue;
    for (const name of importsOf(file)) {
      if (!name.startsWith(".")) {
        if (!rule.packages.test(name)) wrong.push(`${file} imports ${name}`);
        continue;
      }
      const target = relative(root, resolve(root, dirname(file), name));
      const into = target.split("/")[0] ?? "";
      if (target.startsWith("..") || !rule.layers.includes(into)) wrong.push(`${file} imports ${name}`);
      const [from, to] = [familyOf(file), familyOf(target)];
      if (from !== null && to !== null && from !== to && to !== "system")
        wrong.push(`${file} reaches into adapters/${to}`);
      const face = /^faces\/([^/]+)\//;
      const [here, there] = [face.exec(file)?.[1], face.exec(target)?.[1]];
      if (here !== undefined && there !== undefined && here !== there)
        wrong.push(`${file} reaches into faces/${there}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("no file is called by what it is not about", () => {
  expect(files.filter((file) => /(^|\/)(utils?|helpers?|common|misc|index)\.tsx?$/.test(file))).toEqual([]);
});

test("nothing is deleted outside the one function that may", () => {
  const deleting = /\b(rm|rmSync|unlink|unlinkSync|rmdir|rmdirSync)\s*\(/;
  const own = new Set(["adapters/system/remove.ts"]);
  expect(files.filter((file) => !own.has(file) && deleting.test(readFileSync(join(root, file), "utf8")))).toEqual([]);
});

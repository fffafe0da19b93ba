// Bundles src into dist/: one file per entry plus shared chunks, so that a start reads few files and so that dist/ alone
// is a complete program that can be copied to where the database's owner can read it. The commands that PostgreSQL
// starts for every WAL segment are files of their own besides, with nothing else in them.
import { createHash } from "node:crypto";
import { readFile, rename, rm } from "node:fs/promises";
import { basename } from "node:path";
import { build, type BuildOptions, type Plugin } from "esbuild";

// Built beside and swapped in, so that a program running from dist never sees half of it.
const fresh = `.cache/dist-${process.pid}`;

const common: BuildOptions = {
  bundle: true,
  platform: "node",
  target: "node24",
  format: "esm",
  jsx: "automatic",
  define: { "process.env.NODE_ENV": '"production"', "process.env.DEV": '"false"' },
  // Optional native and developer-only parts of dependencies that are never reached here.
  external: ["pg-native", "pg-cloudflare", "react-devtools-core"],
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  legalComments: "linked",
  sourcemap: false,
  logLevel: "warning",
};

/** Zod's messages in forty languages are two fifths of what a start that reads the configuration would load. */
const englishOnly: Plugin = {
  name: "english-only",
  setup: (building) => {
    building.onResolve({ filter: /locales\/index\.js$/ }, ({ path }) => ({ path, namespace: "english-only" }));
    building.onLoad({ filter: /.*/, namespace: "english-only" }, () => ({ contents: "export {}" }));
  },
};

/** What the standalone commands load only when they need it; each is a standalone file, too. */
const later: Readonly<Record<string, string>> = {
  "wal-settings": "src/cli/wal-settings.ts",
  "native-repository": "src/adapters/repository/native/repository.ts",
  "age-cipher": "src/adapters/crypto/age-cipher.ts",
  identities: "src/adapters/crypto/identities.ts",
  exec: "src/adapters/system/exec.ts",
  s3: "src/adapters/storage/s3.ts",
  azure: "src/adapters/storage/azure.ts",
  "plain-repository": "src/adapters/repository/plain/plain-repository.ts",
  "wal-prefetch": "src/adapters/wal/prefetch.ts",
  "wal-prefetch-socket": "src/adapters/wal/prefetch-socket.ts",
};
const standalone: Readonly<Record<string, string>> = {
  "wal-fetch": "src/cli/start-wal-fetch.ts",
  "wal-push": "src/cli/start-wal-push.ts",
};

const loadedLater: Plugin = {
  name: "loaded-later",
  setup: (building) => {
    building.onResolve({ filter: /\.ts$/ }, ({ path, kind }) => {
      if (kind !== "dynamic-import") return null;
      const found = Object.entries(later).find(([, source]) => path.endsWith(`/${basename(source)}`));
      return found === undefined ? null : { path: `./${found[0]}.js`, external: true };
    });
  },
};

await build({
  ...common,
  entryPoints: { ...later, ...standalone },
  outdir: fresh,
  minifyWhitespace: true,
  plugins: [englishOnly, loadedLater],
});

// Copies of the program are told apart by main.js alone, so it names the others' content.
const hash = createHash("sha256");
for (const name of [...Object.keys(later), ...Object.keys(standalone)])
  hash.update(await readFile(`${fresh}/${name}.js`));

await build({
  ...common,
  entryPoints: { main: "src/main.ts" },
  outdir: fresh,
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  define: { ...common.define, STANDALONE: JSON.stringify(Object.keys(standalone).join(",")) },
  footer: { js: `// ${hash.digest("hex").slice(0, 16)}` },
  plugins: [englishOnly],
});
const old = `.cache/dist-${process.pid}.old`;
await rename("dist", old).catch(() => undefined);
await rename(fresh, "dist");
await rm(old, { recursive: true, force: true });

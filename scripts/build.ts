// Bundles src into dist/: one file per entry plus shared chunks, so that a start reads few files
// (restore_command starts a process per WAL segment) and so that dist/ alone is a complete program
// that can be copied to where the database's owner can read it.
import { rename, rm } from "node:fs/promises";
import { build } from "esbuild";

// Built beside and swapped in, so that a program running from dist never sees half of it.
const fresh = `.cache/dist-${process.pid}`;
await build({
  entryPoints: { main: "src/main.ts" },
  outdir: fresh,
  bundle: true,
  splitting: true,
  platform: "node",
  target: "node24",
  format: "esm",
  chunkNames: "chunks/[name]-[hash]",
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
});
const old = `.cache/dist-${process.pid}.old`;
await rename("dist", old).catch(() => undefined);
await rename(fresh, "dist");
await rm(old, { recursive: true, force: true });

import { randomBytes } from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Something like a data directory, of files that are awkward for frames of 64 KiB. */
export async function makeClusterDirectory(
  root: string,
  extra: { readonly [path: string]: Uint8Array | string } = {},
): Promise<void> {
  await mkdir(root, { mode: 0o700 });
  for (const directory of ["base", "base/1", "base/empty", "global", "pg_tblspc"])
    await mkdir(join(root, directory), { mode: 0o700 });
  const files: { readonly [path: string]: Uint8Array | string } = {
    PG_VERSION: "15\n",
    backup_label: "START WAL LOCATION: 0/2000028 (file 000000010000000000000002)\n",
    "global/pg_control": randomBytes(8192),
    "base/1/empty": "",
    "base/1/frame": randomBytes(65_536),
    "base/1/frame-less-header": randomBytes(65_536 - 512),
    "base/1/page": Buffer.alloc(8192, 7),
    "base/1/long": randomBytes(1_000_001),
    "base/1/zeros": Buffer.alloc(300_000),
    "base/1/a name with spaces\nand a newline": "odd",
    "base/1/größe-😀": "odd too",
    [`base/1/${"n".repeat(140)}`]: "long name",
    [`base/${"d".repeat(120)}/${"e".repeat(120)}/${"f".repeat(200)}`]: "very long path",
    ...extra,
  };
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(root, path, ".."), { recursive: true, mode: 0o700 });
    await writeFile(join(root, path), content, { mode: 0o600 });
  }
  await chmod(join(root, "PG_VERSION"), 0o640);
  await chmod(join(root, "base/empty"), 0o750);
}

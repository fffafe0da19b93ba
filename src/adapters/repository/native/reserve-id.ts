import { PgrescueError } from "../../../domain/errors.ts";
import { formatInstant } from "../../../domain/instant.ts";
import type { DumpHeader } from "../../../ports/dump.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import type { BackupHeader } from "../../../ports/repository.ts";
import { encodeBegin } from "./backup-document.ts";
import { beginName, placeOf } from "./point-place.ts";

/** How many backups of one kind and cluster may begin in the same second before we give up. */
const mostInOneSecond = 100;

/** Reserves the id of a backup that begins, by its `begin.json`. Throws `precondition-refused` where all of the second are taken. */
export async function reserveId(
  store: ObjectStore,
  kind: "base" | "dump",
  header: BackupHeader | DumpHeader,
): Promise<{ readonly id: string; readonly folder: string }> {
  const instant = `${formatInstant(header.startedAt).slice(0, 19).replaceAll(/[-:]/g, "")}Z-${kind}`;
  for (let n = 1; n <= mostInOneSecond; n++) {
    const id = n === 1 ? instant : `${instant}-${n}`;
    const { folder, commit } = placeOf({ kind, id, ...header });
    // The commit document, too: an expired begin.json must not free the name.
    if ((await store.head(folder + commit)) !== null) continue;
    if ((await store.put(folder + beginName, encodeBegin(id, kind, header), { ifAbsent: true })) === "stored")
      return { id, folder };
  }
  throw new PgrescueError(
    "precondition-refused",
    `${mostInOneSecond} backups of ${header.cluster} began in the second ${instant.slice(0, 16)}`,
  );
}

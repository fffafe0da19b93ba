import { messageOf, PgrescueError } from "../../domain/errors.ts";
import { floorParameters } from "../../domain/floors.ts";
import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import type { Repository } from "../../ports/repository.ts";

/** What a recovery needs to know from a backup's catalog. */
export interface BackupFacts {
  /** `control.floors`; none where it tells nothing. */
  readonly floors: { readonly [name: string]: number };
  /** A superuser that may log in, that of initdb first; null: unknown. */
  readonly superuser: string | null;
  /** A database to connect to: `postgres` or `template1` where they are; null: unknown. */
  readonly database: string | null;
  readonly warnings: readonly string[];
}

/** Reads a backup's catalog; what it does not tell, and a catalog that cannot be read, is a warning; throws `credentials`. */
export async function backupFacts(repository: Repository, point: RecoveryPoint): Promise<BackupFacts> {
  try {
    const reader = await repository.openBackup(point);
    const catalog = await reader.catalog();
    const floors = floorsIn(catalog);
    return {
      floors,
      superuser: superuserIn(catalog),
      database: databaseIn(catalog),
      warnings:
        Object.keys(floors).length > 0
          ? []
          : ["the backup does not tell max_connections and its like; they are taken from its configuration"],
    };
  } catch (error) {
    // Without a key the restore could not read it either: said before a run is opened.
    if (error instanceof PgrescueError && error.code === "credentials") throw error;
    const warnings = [`the backup's catalog could not be read: ${messageOf(error)}`];
    return { floors: {}, superuser: null, database: null, warnings };
  }
}

/** Oid of the role that initdb makes (BOOTSTRAP_SUPERUSERID). */
const firstSuperuser = "10";

function superuserIn(catalog: unknown): string | null {
  const able = listIn(catalog, "roles").filter(
    (role) => member(role, "superuser") === true && member(role, "login") === true,
  );
  return nameOf(able.find((role) => member(role, "oid") === firstSuperuser) ?? able[0]);
}

/** As PostgreSQL's own tools choose. The catalog says of a database that could not be looked into why not. */
function databaseIn(catalog: unknown): string | null {
  const able = listIn(catalog, "databases").filter((database) => member(database, "error") === undefined);
  const named = (name: string): unknown => able.find((database) => nameOf(database) === name);
  return nameOf(named("postgres") ?? named("template1") ?? able[0]);
}

function listIn(catalog: unknown, name: string): readonly unknown[] {
  const list = member(catalog, name);
  return Array.isArray(list) ? list : [];
}

function nameOf(entry: unknown): string | null {
  const name = member(entry, "name");
  return typeof name === "string" ? name : null;
}

function floorsIn(catalog: unknown): { readonly [name: string]: number } {
  const control = member(catalog, "control");
  const found = member(control, "floors");
  return Object.fromEntries(
    floorParameters.flatMap((name) => {
      const value = Number(member(found, name));
      return Number.isInteger(value) && value > 0 ? [[name, value] as const] : [];
    }),
  );
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as { readonly [key: string]: unknown })[name]
    : undefined;
}

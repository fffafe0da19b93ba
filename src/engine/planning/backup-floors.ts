import { messageOf } from "../../domain/errors.ts";
import { floorParameters } from "../../domain/floors.ts";
import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import type { Repository } from "../../ports/repository.ts";

/** The parameter floors that a backup's catalog tells (`control.floors`); none, with a warning, where it tells nothing. */
export async function backupFloors(
  repository: Repository,
  point: RecoveryPoint,
): Promise<{ readonly floors: { readonly [name: string]: number }; readonly warnings: readonly string[] }> {
  try {
    const reader = await repository.openBackup(point);
    const floors = floorsIn(await reader.catalog());
    return {
      floors,
      warnings:
        Object.keys(floors).length > 0
          ? []
          : ["the backup does not tell max_connections and its like; they are taken from its configuration"],
    };
  } catch (error) {
    return { floors: {}, warnings: [`the backup's catalog could not be read: ${messageOf(error)}`] };
  }
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

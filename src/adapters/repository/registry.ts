import { PgrescueError } from "../../domain/errors.ts";
import type { Repository } from "../../ports/repository.ts";
import type { OpenRepository, RepositoryFormat } from "./format.ts";

/** Every repository format that can be read, in the order in which a store is asked; loaded when it is used. */
export const formats = {
  native: () => import("./native/format.ts"),
  // Last: it takes whatever nobody else knows.
  plain: () => import("./plain/format.ts"),
} satisfies Record<string, () => Promise<{ readonly format: RepositoryFormat }>>;

export type FormatName = keyof typeof formats;

/**
 * Opens the repository in a store. `auto` asks every format whether it is its own; with `create` an empty store becomes a
 * native one. Throws `repository-not-found` where no format knows it, and what the format's own open throws.
 */
export async function openRepository(
  options: OpenRepository & { readonly format: FormatName | "auto" },
): Promise<Repository> {
  const { format: wanted, ...rest } = options;
  if (wanted !== "auto") return (await formats[wanted]()).format.open(rest);
  const { native, ...others } = formats;
  if (await (await native()).format.recognises(rest.store)) return (await native()).format.open(rest);
  for (const load of Object.values(others)) {
    const { format } = await load();
    if (await format.recognises(rest.store)) return format.open(rest);
  }
  if (rest.create === true) return (await native()).format.open(rest);
  throw new PgrescueError("repository-not-found", `${rest.store.url} holds no repository of a known format`, {
    next: "Check the URL and whether its storage is mounted; `pgrescue init` makes a new repository.",
  });
}

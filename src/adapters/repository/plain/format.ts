import type { RepositoryFormat } from "../format.ts";
import { openPlainRepository } from "./plain-repository.ts";
import { scan } from "./scan.ts";

/** What the stock tools leave: recognised by content, and only where nobody else's format is. */
export const format: RepositoryFormat = {
  recognises: async (store) => {
    const { backups, dumps, wal } = await scan(store);
    return backups.length + dumps.length + wal.length > 0;
  },
  open: (options) => Promise.resolve(openPlainRepository(options)),
};

import type { RepositoryFormat } from "../format.ts";
import { openNativeRepository } from "./repository.ts";
import { readRepositoryDocument } from "./repository-document.ts";

/** Our own format, the only one that is written. */
export const format: RepositoryFormat = {
  recognises: async (store) => (await readRepositoryDocument(store)) !== null,
  open: openNativeRepository,
};

import type { CipherFor } from "../../ports/cipher.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Repository } from "../../ports/repository.ts";

/** How a repository is opened, whatever its format. */
export interface OpenRepository {
  /** By which the configuration knows it. */
  readonly name: string;
  readonly url: string;
  readonly store: ObjectStore;
  readonly readOnly?: boolean;
  /** The cluster whose backups are looked for, for formats that know no clusters' names. */
  readonly cluster?: string;
  /** Makes the repository where the store is empty, in formats that we write. */
  readonly create?: boolean;
  /** For encrypted repositories; without it only what needs no key can be read. */
  readonly cipherFor?: CipherFor;
  /** Recipients that a new repository is made with. */
  readonly recipients?: readonly string[];
}

/** One way in which backups lie in a store. */
export interface RepositoryFormat {
  /** Whether the store holds this format; false means "not mine", an exception "mine and broken" or that the store failed. */
  recognises(store: ObjectStore): Promise<boolean>;
  open(options: OpenRepository): Promise<Repository>;
}

import type { Cipher, CipherFor } from "../../ports/cipher.ts";
import type { Shell } from "../../ports/shell.ts";
import type { IdentitySources } from "./identities.ts";

/** A repository's `encryption` in the configuration, together with --identity. */
export interface EncryptionOptions extends IdentitySources {
  readonly recipients?: readonly string[];
}

/**
 * The cipher of a repository. Configured recipients come before those that the repository names: whoever can change the
 * storage must not choose who can read new backups. The age package and the identities are loaded when they are needed.
 */
export function cipherFor(options: EncryptionOptions, shell: () => Promise<Shell>): CipherFor {
  return (named) => {
    const recipients = options.recipients ?? named;
    let loading: Promise<Cipher> | null = null;
    const load = (): Promise<Cipher> =>
      (loading ??= import("./age-cipher.ts").then(({ ageCipher }) =>
        ageCipher(recipients, async () => (await import("./identities.ts")).loadIdentities(options, await shell())),
      ));
    return {
      recipients,
      seal: async () => (await load()).seal(),
      open: async (head, what) => (await load()).open(head, what),
    };
  };
}

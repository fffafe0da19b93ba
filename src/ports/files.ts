/** What lies at a path, links not followed. */
export interface FileFacts {
  readonly kind: "file" | "directory" | "link" | "other";
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  /** The file system, as a number that differs between file systems of this machine. */
  readonly device: number;
  /** Where a link points, made absolute; null otherwise. */
  readonly target: string | null;
  /** Whether something is mounted exactly here. */
  readonly mountPoint: boolean;
}

/** Local files that steps look at and change. Absence is null; any other failure throws `external-failure` naming path and cause. */
export interface Files {
  facts(path: string): Promise<FileFacts | null>;
  /** Names in a directory, sorted; null when there is none. */
  list(directory: string): Promise<readonly string[] | null>;
  /** A text of at most 16 MiB. */
  read(path: string): Promise<string | null>;
  /** At most `length` bytes from `offset`. */
  readBytes(path: string, offset: number, length: number): Promise<Uint8Array | null>;
  /** Replaces a file atomically and durably; mode 0600 unless given. */
  write(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  /** Copies a file's bytes of any size, durably; what stands at `to` is replaced atomically. Mode 0600. */
  copy(from: string, to: string): Promise<void>;
  /** Makes a directory and its parents, 0700 unless given; an existing one is fine. */
  makeDirectory(path: string, mode?: number): Promise<void>;
  /** Renames within one file system, durably; refuses to replace anything. */
  move(from: string, to: string): Promise<void>;
  /** Makes a symbolic link, replacing an existing symbolic link atomically and nothing else. */
  link(target: string, path: string): Promise<void>;
  /** Removes a file or tree that this run made; refuses (`bug`) what is not strictly below `within`. Absence is fine, links are not followed. */
  removeOwn(path: string, options: { readonly within: string }): Promise<void>;
  /** Removes directories that hold nothing, in this order; one that is gone, in use or not empty stays. */
  removeEmpty(directories: readonly string[]): Promise<void>;
  /** The path with every symbolic link resolved, as far as it exists. */
  resolve(path: string): Promise<string>;
  /** Free bytes for us on the file system of the nearest existing parent, and whether we may write there. */
  space(
    path: string,
  ): Promise<{ readonly free: number; readonly device: number; readonly at: string; readonly writable: boolean }>;
}

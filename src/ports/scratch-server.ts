/** A small, empty server for one run, which nobody but its owner can reach. */
export interface ScratchServer {
  /** How it is reached, as psql takes it. */
  readonly connection: string;
  readonly dataDirectory: string;
  stop(): Promise<void>;
}

/** Makes empty servers. */
export interface ScratchServers {
  /** Makes one below an existing empty directory with PostgreSQL's programs in `bin`, and starts it. Throws `external-failure` with what they say. */
  start(request: { readonly directory: string; readonly bin: string }): Promise<ScratchServer>;
}

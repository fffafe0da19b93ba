/** How far a piece of work is: faces turn it into a bar, an ETA and a line for screen readers. */
export interface Progress {
  readonly done: number;
  /** null: not known. */
  readonly total: number | null;
  readonly unit: "bytes" | "segments" | "files" | "checks";
  /** What is being done or waited for, in a few words. */
  readonly doing: string;
}

import { Writable } from "node:stream";

/** A stderr or stdout that keeps what is written; `isTTY` as wanted. */
export class FakeStream extends Writable {
  readonly isTTY: boolean;
  readonly columns = 100;
  readonly rows = 40;
  text = "";

  constructor(isTTY = false) {
    super({ decodeStrings: false });
    this.isTTY = isTTY;
  }

  override _write(chunk: string | Uint8Array, _encoding: string, done: () => void): void {
    this.text += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
    done();
  }

  /** As the type that faces take. */
  get stream(): NodeJS.WriteStream {
    return this as unknown as NodeJS.WriteStream;
  }

  get lines(): readonly string[] {
    return this.text.split("\n").filter((line) => line !== "");
  }
}

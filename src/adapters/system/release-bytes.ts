/** Smaller ones may be pieces of a pool that Node shares out, which cannot be given back, and they don't matter. */
const worthwhile = 256 * 1024;

/**
 * Gives the memory of bytes back at once, where they are all of a large ArrayBuffer; otherwise does nothing. Waiting for
 * the garbage collector lets hundreds of megabytes pile up in a stream of large buffers. Only for who owns them alone.
 */
export function releaseBytes(bytes: Uint8Array): void {
  if (isOwnLarge(bytes) && bytes.byteLength === bytes.buffer.byteLength) bytes.buffer.transfer(0);
}

/** A copy of bytes that use only a part of a large ArrayBuffer, which is given back; others as they are. */
export function fitBytes(bytes: Uint8Array): Uint8Array {
  if (!isOwnLarge(bytes) || bytes.byteLength === bytes.buffer.byteLength) return bytes;
  const fitting = Uint8Array.from(bytes);
  bytes.buffer.transfer(0);
  return fitting;
}

function isOwnLarge(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength >= worthwhile;
}

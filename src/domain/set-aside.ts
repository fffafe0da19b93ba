/**
 * Whether a name in a directory is no content of it: a file system's own, or what a recovery moved aside within a mount
 * point, which cannot be renamed itself (`.pgrescue-before-<run>`, and `.pgrescue-undone-<run>` after an undo).
 */
export function isNoContent(name: string): boolean {
  return name === "lost+found" || /^\.pgrescue-(before|undone)-/.test(name);
}

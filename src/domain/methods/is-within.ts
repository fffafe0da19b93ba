/** Whether an absolute path is a directory or lies in it; `.`, `..` and repeated slashes are resolved, links are not. */
export function isWithin(path: string, directory: string): boolean {
  const [inner, outer] = [plain(path), plain(directory)];
  return outer.every((part, at) => inner[at] === part);
}

function plain(path: string): string[] {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts;
}

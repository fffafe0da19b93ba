/**
 * Text from servers, stores and people as it may go to a terminal: control characters (escape sequences with them) and
 * invisible direction marks become `?`, tabs and line breaks a space.
 */
export function visible(text: string): string {
  return (
    text
      .replaceAll(/[\t\r\n]+/g, " ")
      // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
      .replaceAll(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, "?")
  );
}

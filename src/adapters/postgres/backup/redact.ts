const redacted = "[redacted]";

/**
 * `name = value` or `name=value` where the name says that the value is a secret; quoted or up to the next blank, quote or
 * comma. Quotes may be doubled or escaped, since a connection string stands in a quoted setting: better too much cut out.
 */
const named =
  /((?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|bindpasswd|secrets)\w*["']?\s*[=:]\s*)(''[^'\n]+''|\\'[^'\n]*'|'(?:''|\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|[^\s'";&]+)/gi;
const inUrl = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@']+:)([^\s@/']+)(@)/gi;
const signature = /([?&](?:sig|X-Amz-Signature|AWSAccessKeyId|Signature)=)([^&\s'"]+)/gi;

/** The text without passwords, tokens, keys and signatures, as far as their names give them away; whether any was found. */
export function redact(text: string): { readonly text: string; readonly redacted: boolean } {
  const clean = text
    .replace(inUrl, `$1${redacted}$3`)
    .replace(signature, `$1${redacted}`)
    .replace(named, `$1${redacted}`);
  return { text: clean, redacted: clean !== text };
}

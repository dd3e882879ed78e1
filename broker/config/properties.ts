/** Java's .properties format, as far as server.properties uses it: comments, continuation lines, escapes. */
import { BrokerError } from '../std/mod.ts';

export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  const lines = text.split(/\r\n|\n|\r/);
  for (let i = 0; i < lines.length; i++) {
    let line = (lines[i] as string).trimStart();
    if (line === '' || line.startsWith('#') || line.startsWith('!')) continue;
    while (endsInOpenEscape(line) && i + 1 < lines.length) {
      i++;
      line = line.slice(0, -1) + (lines[i] as string).trimStart();
    }
    const { key, value } = splitLine(line);
    properties.set(decodeEscapes(key), decodeEscapes(value));
  }
  return properties;
}

function endsInOpenEscape(line: string): boolean {
  return (/\\*$/.exec(line)?.[0].length ?? 0) % 2 === 1;
}

function splitLine(line: string): { key: string; value: string } {
  for (let i = 0; i < line.length; i++) {
    const char = line[i] as string;
    if (char === '\\') i++;
    else if (/[=:\s]/.test(char)) {
      return { key: line.slice(0, i), value: line.slice(i).replace(/^\s*[=:]?\s*/, '') };
    }
  }
  return { key: line, value: '' };
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function decodeEscapes(text: string): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|.)/gs, (_, code: string) =>
    code.length === 5 ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : (ESCAPES[code] ?? code),
  );
}

/** `key=value`, as given on the command line. */
export function parseOverride(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at <= 0) throw new BrokerError('config.invalid', `--override wants key=value, not '${text}'`);
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

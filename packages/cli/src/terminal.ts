import { styleText } from 'node:util';

export type Style = Parameters<typeof styleText>[0];

/** Where a command writes: its answer to standard output, everything about it to standard error. */
export interface Terminal {
  /** One line, or several. */
  print(text: string): void;
  tell(text: string): void;
  /** Colours text, if whoever reads standard output can see colours. */
  paint(style: Style, text: string): string;
  /** Where progress bars are drawn; undefined where nobody would see them move. */
  readonly bars: NodeJS.WriteStream | undefined;
}

export function processTerminal(): Terminal {
  return {
    print: (text) => void process.stdout.write(`${text}\n`),
    tell: (text) => void process.stderr.write(`${text}\n`),
    paint: (style, text) => styleText(style, text, { stream: process.stdout }),
    bars: process.stderr.isTTY ? process.stderr : undefined,
  };
}

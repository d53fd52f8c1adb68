/** The few colours that the command line uses, or none of them. */

export type Paint = (text: string) => string;

export interface Colours {
  bold: Paint;
  dim: Paint;
  red: Paint;
  green: Paint;
  yellow: Paint;
  cyan: Paint;
}

export function colours(on: boolean): Colours {
  const paint = (begin: number, end: number): Paint =>
    on ? (text) => (text === "" ? "" : `\u001b[${begin}m${text}\u001b[${end}m`) : plain;
  return { bold: paint(1, 22), dim: paint(2, 22), red: paint(31, 39), green: paint(32, 39), yellow: paint(33, 39), cyan: paint(36, 39) };
}

function plain(text: string): string {
  return text;
}

/** What the house says about itself, as structured lines. The library is silent unless it is given one of these. */

export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const nothing = (): void => {};

export const silent: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

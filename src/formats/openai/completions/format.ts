/** The name this format goes by. */

export const format = "openai/completions";

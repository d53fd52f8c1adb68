/** The names this format goes by. */

export const format = "openai/chat-completions";

/** The one key under which the gateway adds what the format has no field for: on messages, deltas, choices and reasoning entries. */
export const own = "headgate";

/** The names this format goes by. */

export const format = "cohere/chat";

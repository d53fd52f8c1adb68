/** Reasoning that a vendor writes into the text between `<think>` and `</think>`, at its head. */

const OPEN = "<think>";
const CLOSE = "</think>";

/** Cuts the text of one answer into reasoning and text, whatever way the stream cuts the tags. */
export class ThinkTags {
  #state: "before" | "inside" | "after-close" | "text" = "before";
  #held = "";
  #fresh = false;

  push(text: string, take: (kind: "text" | "reasoning", text: string) => void): void {
    this.#held += text;
    if (this.#state === "before") {
      const trimmed = this.#held.trimStart();
      if (trimmed.length < OPEN.length && OPEN.startsWith(trimmed)) return;
      if (trimmed.startsWith(OPEN)) {
        this.#state = "inside";
        this.#held = trimmed.slice(OPEN.length);
        this.#fresh = true;
      } else this.#state = "text";
    }
    if (this.#state === "inside") {
      // The line break after the tag is part of it.
      if (this.#fresh && this.#held !== "") {
        this.#fresh = false;
        if (this.#held.startsWith("\n")) this.#held = this.#held.slice(1);
      }
      const close = this.#held.indexOf(CLOSE);
      const end = close < 0 ? this.#held.length - tail(this.#held) : close;
      if (end > 0) take("reasoning", this.#held.slice(0, end));
      this.#held = this.#held.slice(close < 0 ? end : close + CLOSE.length);
      if (close < 0) return;
      this.#state = "after-close";
    }
    if (this.#state === "after-close") {
      // The blank line after the tag belongs to neither.
      this.#held = this.#held.trimStart();
      if (this.#held === "") return;
      this.#state = "text";
    }
    if (this.#held !== "") take("text", this.#held);
    this.#held = "";
  }

  /** The answer is over: what was held back was no tag after all. */
  end(take: (kind: "text" | "reasoning", text: string) => void): void {
    if (this.#held !== "" && this.#state !== "after-close") take(this.#state === "inside" ? "reasoning" : "text", this.#held);
    this.#held = "";
  }
}

/** How much of the end may be the beginning of the closing tag. */
function tail(text: string): number {
  for (let length = Math.min(CLOSE.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(CLOSE.slice(0, length))) return length;
  }
  return 0;
}

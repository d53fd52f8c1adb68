/** What a model can do, as data: no code asks for a model by name. An absent field means unknown, and unknown is given the benefit of the doubt. */

/** How reasoning is asked for. `effort`: a word. `budget`: tokens. `adaptive`: the model decides, an effort word steers it. */
export type ReasoningControl = "effort" | "budget" | "adaptive";

export interface Capabilities {
  /** Tokens that input and output may hold together. */
  contextWindow?: number | undefined;
  maxOutputTokens?: number | undefined;
  /** Media kinds accepted in the input besides text: `image`, `pdf`, `audio`, `video`. */
  input?: readonly string[] | undefined;
  /** Media kinds produced besides text. */
  output?: readonly string[] | undefined;
  tools?: boolean | undefined;
  /** False: the model does not reason. A list: the ways to ask for it that the model accepts, best first. */
  reasoning?: false | readonly ReasoningControl[] | undefined;
  /** Effort words the model accepts, when not all. */
  efforts?: readonly string[] | undefined;
  /** False: reasoning cannot be switched off. */
  reasoningOptional?: boolean | undefined;
  /** False: temperature, top_p and top_k are refused by the model. */
  sampling?: boolean | undefined;
  structuredOutput?: "schema" | "object" | "none" | undefined;
  /** False: system messages after the first turn are refused. */
  midSystem?: boolean | undefined;
  /** False: a tool choice that forces a call is refused. */
  forcedToolChoice?: boolean | undefined;
  /** True: tool results may hold images and documents. Unknown: they follow the results in the user's turn, which every model takes. */
  toolMedia?: boolean | undefined;
  /** False: the last message may not be the assistant's. */
  prefill?: boolean | undefined;
}

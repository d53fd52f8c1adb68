/** Where a model is called: it stands in the path, and with it whether the answer is streamed. */

/** Models may be named with their collection, as Google's lists do: `models/gemini-3.8-flash`, `tunedModels/mine`. */
export function path(model: string, stream: boolean): string {
  const resource = /^(models|tunedModels)\//.test(model) ? model : `models/${model}`;
  const escaped = resource.split("/").map(encodeURIComponent).join("/");
  return `/v1beta/${escaped}:${stream ? "streamGenerateContent?alt=sse" : "generateContent"}`;
}

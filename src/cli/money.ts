/** Pico-dollars as people read dollars: at least two decimals, and as many as the first three digits that say something need. */

const PICO = 1_000_000_000_000n;

/** `$0.00`, `$1,234.57`, `$1.23`, `$0.0123`, `$0.000000512` */
export function formatUsd(pico: bigint): string {
  if (pico < 0n) return `-${formatUsd(-pico)}`;
  const decimals = decimalsFor(pico);
  const unit = 10n ** BigInt(12 - decimals);
  const rounded = (pico + unit / 2n) / unit;
  const scale = 10n ** BigInt(decimals);
  const fraction = (rounded % scale).toString().padStart(decimals, "0");
  return `$${(rounded / scale).toLocaleString("en-US")}.${fraction.replace(/0+$/, "").padEnd(2, "0")}`;
}

function decimalsFor(pico: bigint): number {
  if (pico === 0n || pico >= PICO) return 2;
  const leadingZeros = 12 - pico.toString().length;
  return Math.min(12, leadingZeros + 3);
}

/** The exact amount as a decimal number without grouping, for programs. */
export function exactUsd(pico: bigint): string {
  if (pico < 0n) return `-${exactUsd(-pico)}`;
  const fraction = (pico % PICO).toString().padStart(12, "0").replace(/0+$/, "");
  return fraction === "" ? String(pico / PICO) : `${pico / PICO}.${fraction}`;
}

/** A routing policy puts a route's targets in the order in which they are tried. One file a policy. */

/** What a policy may look at. */
export interface Candidate {
  /** `provider/model`. */
  name: string;
  weight: number;
}

export interface Policy {
  name: string;
  /** The targets to try, first to last. */
  order<T extends Candidate>(targets: readonly T[]): readonly T[];
}

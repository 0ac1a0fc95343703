/**
 * The first of `count` places, from 0, at which `isReached` holds; `count` if there is none. From the first one on it must hold at all
 * of them: this is a binary search.
 */
export function firstPlace(count: number, isReached: (place: number) => boolean): number {
  let from = 0;
  let to = count;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (isReached(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}

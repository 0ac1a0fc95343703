/** The word that was probably meant: one that was cut short, or one of which at least half is there. */
export function nearestWord<T extends string>(text: string, words: readonly T[]): T | undefined {
  if (text === '' || text.length > 16) return undefined;
  const cutShort = words.find(word => word.startsWith(text));
  const near = words
    .map(word => ({ word, distance: editDistance(text, word) }))
    .filter(({ word, distance }) => distance <= Math.max(word.length, text.length) / 2)
    .sort((a, b) => a.distance - b.distance);
  return cutShort ?? near[0]?.word;
}

/** How many letters must be added, dropped or replaced to turn one word into the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = [...to, ''].map((_, column) => column);
  for (const letter of from) {
    const next = [row[0]! + 1];
    for (let column = 0; column < to.length; column++) {
      next.push(Math.min(row[column + 1]! + 1, next[column]! + 1, row[column]! + (letter === to[column] ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1)!;
}

/** Letters and digits, as no other process makes them. `random`: uniform in [0, 1). */
export const chanceText = (random: () => number): string => Math.floor(random() * 36 ** 8).toString(36);

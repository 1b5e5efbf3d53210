/** Returns the title of a rule. */
export const titleOf = (rule: string): string => rule

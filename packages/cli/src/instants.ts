/** A plain date means its midnight in UTC; anything else goes to the server as it is. */
export function instantArgument(text: string): string {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text;
}

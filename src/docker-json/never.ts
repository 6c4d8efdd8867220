/** How docker writes a time that has not come, or that nobody knows. */
export const NEVER = '0001-01-01T00:00:00Z';

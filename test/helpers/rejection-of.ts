/** The error that a promise rejects with; its shape is the test's to check. */
export async function rejectionOf(promise: Promise<unknown>): Promise<Rejection> {
  const value = await promise.catch((error: Rejection) => new Rejected(error));
  if (value instanceof Rejected) return value.error;
  throw new Error('the promise was fulfilled');
}

/** What tests look at in an error. */
export type Rejection = Error & {readonly code?: string};

class Rejected {
  readonly error: Rejection;

  constructor(error: Rejection) {
    this.error = error;
  }
}

/** Fails with `message` if the promise has not settled after `timeoutMs`; what becomes of it later is nobody's concern. */
export async function within<Answer>(promise: Promise<Answer>, timeoutMs: number, message: string): Promise<Answer> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(message)), timeoutMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

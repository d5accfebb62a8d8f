import { expect, it } from 'vitest';
import { createLogger } from './index.ts';

const CANARY = 'mk_live_abc123_S3cretS3cretS3cretS3cret';

function logged(write: (logger: ReturnType<typeof createLogger>) => void): string {
  let text = '';
  write(createLogger({ level: 'info', service: 'test', destination: { write: (line) => void (text += line) } }));
  return text;
}

it.each<[string, (logger: ReturnType<typeof createLogger>) => void]>([
  ['a field', (logger) => logger.info({ secret: 'S3cret' }, 'x')],
  ['a nested header', (logger) => logger.info({ req: { headers: { authorization: 'Basic S3cret' } } }, 'x')],
  ['the message', (logger) => logger.info(`key ${CANARY} was refused`)],
  ['a URL', (logger) => logger.info({ url: `/x?key=${CANARY}` }, 'x')],
  ['the stack of an error', (logger) => logger.error({ err: new Error(`bad ${CANARY}`) }, 'x')],
  ['a webhook secret in a text', (logger) => logger.warn('whsec_S3cretS3cret is old')],
  ['an authorization header in a text', (logger) => logger.warn('sent "Bearer S3cret"')],
])('keeps a secret in %s out of the log', (_place, write) => {
  const text = logged(write);
  expect(text).toContain('[secret]');
  expect(text).not.toContain('S3cret');
  expect(() => JSON.parse(text)).not.toThrow();
});

it('keeps the id of a key, which is no secret', () => {
  expect(logged((logger) => logger.info(CANARY))).toContain('mk_live_abc123_[secret]');
});

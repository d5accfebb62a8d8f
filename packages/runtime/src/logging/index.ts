export { createLogger, LOG_LEVELS, type Logger } from './logging.ts';

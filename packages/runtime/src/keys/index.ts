export { generateApiKey, hashSecret, parseApiKey, type GeneratedApiKey, type ParsedApiKey } from './api-key.ts';
export { apiKeyAuthenticator } from './authenticator.ts';

export { runMain, runTask, type ServiceContext } from './main.ts';
export { serviceServer } from './server.ts';

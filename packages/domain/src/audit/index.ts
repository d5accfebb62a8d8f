export { documentChanges, type DocumentChange, type Json } from './changes.ts';

export { deliveryQueue } from './delivery-queue.ts';
export { webhookDeliveryStore } from './delivery-store.ts';
export { webhookEndpointStore } from './endpoint-store.ts';
export { enqueueMessage, type NewMessage } from './outbox.ts';

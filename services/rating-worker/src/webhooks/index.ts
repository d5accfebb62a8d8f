export { type Deliveries, type DeliveriesOptions, startDeliveries } from './deliveries.ts';

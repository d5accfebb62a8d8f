export {
  type Evaluated,
  type RatingWorker,
  type RatingWorkerDeps,
  type RatingWorkerHealth,
  startRatingWorker,
} from './rating-worker.ts';
export { type Deliveries, type DeliveriesOptions, startDeliveries } from './webhooks/index.ts';
export { startRating } from './rating.ts';
export { startRatingService } from './service.ts';

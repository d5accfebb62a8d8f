import { openTestClickhouse } from '../support/clickhouse.ts';
import { aggregationContract } from './aggregation.contract.ts';

aggregationContract('the embedded engine', openTestClickhouse);

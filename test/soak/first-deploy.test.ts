import { readdirSync } from 'node:fs';
import { describeFirstDeploys } from '../lab/first-deploy.ts';

describeFirstDeploys(readdirSync('inventories'));

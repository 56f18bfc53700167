import { describeFirstDeploys } from './first-deploy.ts';

// A pair with keepalived, and one director with a script of ours; test/soak has all examples.
describeFirstDeploys(['dr-keepalived-pair', 'nat-single']);

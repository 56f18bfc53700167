#!/usr/bin/env node
import { flushOutput, ignoreClosedPipes } from './output.ts';
import { runTool } from './program.ts';

ignoreClosedPipes();
process.exitCode = await runTool(process.argv.slice(2));
await flushOutput();
// A connection that is slow to close must not hold the process.
process.exit();

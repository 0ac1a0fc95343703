#!/usr/bin/env node
import { runProgram } from '../dist/cli/program.js';
import { runwait } from '../dist/cli/runwait.js';

await runProgram('runwait', runwait);

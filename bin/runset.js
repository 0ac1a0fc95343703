#!/usr/bin/env node
import { runProgram } from '../dist/cli/program.js';
import { runset } from '../dist/cli/runset.js';

await runProgram('runset', runset);

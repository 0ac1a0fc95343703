#!/usr/bin/env node
import { runProgram } from '../dist/cli/program.js';
import { runmaker } from '../dist/cli/runmaker.js';

await runProgram('runmaker', runmaker);

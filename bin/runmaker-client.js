#!/usr/bin/env node
import { runProgram } from '../dist/cli/program.js';
import { runmakerClient } from '../dist/cli/runmaker-client.js';

await runProgram('runmaker-client', runmakerClient);

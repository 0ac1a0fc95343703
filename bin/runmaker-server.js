#!/usr/bin/env node
import { runProgram } from '../dist/cli/program.js';
import { runmakerServer } from '../dist/cli/runmaker-server.js';

await runProgram('runmaker-server', runmakerServer);

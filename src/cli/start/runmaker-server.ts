import { setFlagsFromString } from 'node:v8';
import { runProgram } from '../program/program.js';
import { runmakerServer } from '../runmaker-server.js';

// Left to itself V8 lets the space for what is short-lived grow to 48 MB, and what outlives it to four times of what is needed:
// together more than half of the server's memory, and not a bit faster.
setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--heap-growing-percent=100');
void runProgram('runmaker-server', runmakerServer);

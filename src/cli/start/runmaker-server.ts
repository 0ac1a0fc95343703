import { setFlagsFromString } from 'node:v8';
import { runProgram } from '../program/program.js';
import { runmakerServer } from '../runmaker-server.js';

// By default V8 lets the space for short-lived objects grow to 48 MB, and that for long-lived ones to four times what is needed: together
// more than half of the server's memory, for no gain in speed.
setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--heap-growing-percent=100');
void runProgram('runmaker-server', runmakerServer);

import { setFlagsFromString } from 'node:v8';
import { runProgram } from '../program.js';
import { runmakerServer } from '../runmaker-server.js';

// Left to itself V8 lets the space for what is short-lived grow to 48 MB: a third of the server's memory, and not a bit faster.
setFlagsFromString('--semi-space-growth-factor=1');
void runProgram('runmaker-server', runmakerServer);

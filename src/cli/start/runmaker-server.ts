import { runProgram } from '../program.js';
import { runmakerServer } from '../runmaker-server.js';

void runProgram('runmaker-server', runmakerServer);

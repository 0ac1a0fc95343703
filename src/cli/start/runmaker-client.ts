import { runProgram } from '../program/program.js';
import { runmakerClient } from '../runmaker-client.js';

void runProgram('runmaker-client', runmakerClient);

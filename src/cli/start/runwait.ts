import { runProgram } from '../program/program.js';
import { runwait } from '../runwait.js';

void runProgram('runwait', runwait);

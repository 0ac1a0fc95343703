import { runProgram } from '../program.js';
import { runwait } from '../runwait.js';

void runProgram('runwait', runwait);

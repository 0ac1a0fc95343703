import { runProgram } from '../program.js';
import { runset } from '../runset.js';

void runProgram('runset', runset);

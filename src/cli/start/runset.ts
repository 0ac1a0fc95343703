import { runProgram } from '../program/program.js';
import { runset } from '../runset.js';

void runProgram('runset', runset);

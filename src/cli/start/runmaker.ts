import { runProgram } from '../program/program.js';
import { runmaker } from '../runmaker.js';

void runProgram('runmaker', runmaker);

import { runProgram } from '../program.js';
import { runmaker } from '../runmaker.js';

void runProgram('runmaker', runmaker);

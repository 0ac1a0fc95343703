#!/usr/bin/env node
import '../dist/programs/runwait.js';

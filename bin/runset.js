#!/usr/bin/env node
import '../dist/programs/runset.js';

#!/usr/bin/env node
import '../dist/programs/runmaker-server.js';

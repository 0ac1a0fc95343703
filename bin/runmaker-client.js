#!/usr/bin/env node
import '../dist/programs/runmaker-client.js';

import fc from 'fast-check';

// The same cases in every run: a mutant that is killed stays so.
// How small a case is that fails does not matter here.
fc.configureGlobal({ seed: 20261201, endOnFailure: true });

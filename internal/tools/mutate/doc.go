// Mutate proves that tests guard what they are said to guard: it takes one rule after the
// other out of the code and runs the tests that should notice.
//
// mutants.yaml lists what is taken out: a file, the text that is replaced, which stands there
// once, the text in its place, and the test that has to fail. The tree is not touched: the
// compiler gets the changed file as an overlay. A mutant that does not compile, whose text is
// no longer there, or that no test notices is a failure.
//
//	make mutate               all of them
//	make mutate MUTANT=fees   those whose name holds "fees"
package main

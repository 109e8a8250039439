"""Mutation testing: small changes to the library, each of which a test has to notice.

    source    the mutants of a module, found with `ast`
    trials    a pytest that tries each in a process of its own, first on the tests that reach its line
    record    which functions' mutants were tried already
    survivors the list of the mutants that no test can notice, with the reasons
    compiled  the mutants of src/core, and their trials
    alone     whether the tests named after a module cover it by themselves

The record and the list are committed: tests/mutants/.

Why not a tool that there is: mutmut 3.8 names tests to pytest one by one, and pytest finds none whose id has
a bracket in it; it changes neither tables nor defaults. cosmic-ray 8.7 changes types too, begins a Python and
all tests of a module anew for each mutant: 1.7 seconds, where a fork takes 0.03.
"""

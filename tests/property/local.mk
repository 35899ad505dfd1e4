# Laws on random specs; the random seed of a run is in the log.
TESTS += %reldir%/run.py
EXTRA_DIST += %reldir%/run.py %reldir%/generate.py

EXTRA_DIST += %reldir%/run %reldir%/quickstart %reldir%/bifrost

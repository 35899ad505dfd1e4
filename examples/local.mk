EXTRA_DIST += %reldir%/run %reldir%/private-docker.sh %reldir%/quickstart %reldir%/bifrost

EXTRA_DIST += %reldir%/run %reldir%/private-docker.sh %reldir%/quickstart %reldir%/bifrost %reldir%/systemd %reldir%/cron
EXTRA_DIST += %reldir%/ci

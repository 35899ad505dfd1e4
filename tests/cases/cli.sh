#!/bin/sh
exec python3 -B "$HLREC_SOURCE/tests/cases/run.py" cli

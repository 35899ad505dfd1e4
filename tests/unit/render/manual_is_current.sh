#!/bin/sh
# docs/hlrec.1 is what the tables of commands and options say. `./hlrec help --man > docs/hlrec.1` makes it so.
echo 1..1
if difference=$("$HLREC_BUILD/hlrec" help --man | diff -u "$HLREC_SOURCE/docs/hlrec.1" - 2>&1); then
    echo 'ok 1 - docs/hlrec.1 is current'
else
    printf '%s\n' "$difference" | sed 's/^/# /'
    echo 'not ok 1 - docs/hlrec.1 is current'
fi

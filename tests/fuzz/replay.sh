#!/bin/sh
# Replays the corpus through every fuzz target, as one TAP stream. With libFuzzer the same files are the seeds.
set -u
status=0
count=0
for folder in "$HLREC_SOURCE"/tests/fuzz/corpus/*; do
    target=${folder##*/}
    for file in "$folder"/*; do
        count=$((count + 1))
        if out=$("$HLREC_BUILD/tests/fuzz/fuzz_$target" "$file" 2>&1); then
            echo "ok $count - $target/${file##*/}"
        else
            echo "not ok $count - $target/${file##*/}"
            printf '%s\n' "$out" | sed 's/^/# /'
            status=1
        fi
    done
done
echo "1..$count"
exit $status

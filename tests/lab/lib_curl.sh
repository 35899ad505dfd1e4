# For tests that call through curl: the last answer is in $body and $heads, and look.py answers questions about it. To be sourced; see lib.sh.
# shellcheck shell=sh
. "$(dirname "$0")/lib.sh"

body=$dir/body
heads=$dir/heads
converse python3 -u "$here/look.py" "$body"

# call METHOD URL [JSON [CURL-OPTION...]]
call() {
    method=$1
    target=$2
    data=${3-}
    [ $# -gt 2 ] && shift
    shift 2
    [ "$method" != HEAD ] || set -- --head "$@"
    [ -z "$data" ] || set -- -H 'Content-Type: application/json' --data-binary "$data" "$@"
    : >"$body"
    status=$(curl -s -g --max-time 10 -X "$method" -o "$body" -D "$heads" -w '%{http_code}' "$@" "$target")
}

# at EXPRESSION: see look.py
at() {
    echo "$1" >&3
    IFS= read -r answer <&4
    echo "$answer"
}

show_answer() {
    head -c 600 "$body"
    echo
}

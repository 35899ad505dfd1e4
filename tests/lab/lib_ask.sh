# For tests that call through ask.py: its process, and questions about its last answer. To be sourced; see lib.sh.
# shellcheck shell=sh
. "$(dirname "$0")/lib.sh"

converse python3 -u "$here/ask.py"

# ask FIELD...: see ask.py; leaves $answer
ask() {
    printf '%s\036' "$@" >&3
    printf '\035' >&3
    IFS= read -r answer <&4
}

show_answer() {
    ask at 'str(body[:600])'
    echo "$answer"
}

# is WHAT STATUS [EXPRESSION VALUE]: the last answer
is() {
    if [ $# -eq 2 ]; then
        ok "$1" "$status" "$2"
    else
        ask at "$3"
        ok "$1" "$status $answer" "$2 $4"
    fi
}

# What the shell tests of the lab share: labs in a private folder, a long-lived client or reader beside them, and test points. To be sourced; speaks TAP.
#
# $dir      the private folder, gone at the end
# $labs     the processes of the labs
# $about    what the names of the test points begin with
# $status   of the last answer, put there by the test's own calls
# A test defines show_answer(), which prints the last answer for a point that fails.
# shellcheck shell=sh disable=SC2034 # variables are for who sources it

lab=${HLREC_LAB:-${HLREC_BUILD:-.}/tests/lab/hlrec-lab}
here=$(dirname "$0")
dir=$(mktemp -d /tmp/hlrec-lab-test-XXXXXX)
pids=
labs=
count=0
about=
status=

# shellcheck disable=SC2086 # a list of numbers
finish() {
    [ -z "$pids" ] || kill $pids 2>/dev/null
    wait
    rm -rf "$dir"
}
trap finish EXIT

# start_lab NAME OPTION...: a lab in the folder $dir/NAME
start_lab() {
    name=$1
    shift
    [ -p "$dir/$name.ready" ] || mkfifo "$dir/$name.ready"
    "$lab" --dir "$dir/$name" "$@" >"$dir/$name.ready" 2>"$dir/$name.err" 3>&- 4<&- &
    pids="$pids $!"
    labs="$labs $!"
    read -r word <"$dir/$name.ready"
    [ "$word" = ready ] || echo "# $(cat "$dir/$name.err")"
}

# lab_url NAME VARIABLE: where one of its APIs is
lab_url() {
    sed -n "s/^$2=//p" "$dir/$1/lab.env"
}

# converse PROGRAM...: one process for all questions of a test, since each of its own would cost more than the labs; it reads descriptor 3, answers on 4
converse() {
    mkfifo "$dir/questions" "$dir/answers"
    "$@" <"$dir/questions" >"$dir/answers" &
    pids="$pids $!"
    exec 3>"$dir/questions" 4<"$dir/answers"
}

ok() {
    count=$((count + 1))
    if [ "$2" = "$3" ]; then
        echo "ok $count - $about$1"
    else
        echo "not ok $count - $about$1"
        echo "# wanted '$3', got '$2'; status $status"
        show_answer | sed 's/^/# /'
    fi
}

has() {
    case $2 in
    *"$3"*) ok "$1" yes yes ;;
    *) ok "$1" "$2" "*$3*" ;;
    esac
}

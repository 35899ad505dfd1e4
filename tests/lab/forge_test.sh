#!/bin/sh
# The comment APIs of GitHub, Gitea and GitLab, as the lab has them: what a test on the lab relies on. Speaks TAP.
set -u
. "$(dirname "$0")/lib_ask.sh"

token='lab-user'

# speak FORGE: the one that is meant from now on
speak() {
    forge=$1
    about="$forge: "
}

start_lab lab --only forge --log "$dir/log"
lab_pid=$!
url=$(lab_url lab HLREC_LAB_FORGE)
speak github

# api METHOD PATH [BODY [HEADER...]]: of $forge, with $token
api() {
    method=$1
    path=$2
    data=${3-}
    [ $# -lt 3 ] || shift
    shift 2
    case $forge in
    github) base=/api/v3 header="Authorization: Bearer $token" ;;
    gitea) base=/api/v1 header="Authorization: token $token" ;;
    *) base=/api/v4 header="PRIVATE-TOKEN: $token" ;;
    esac
    ask send "$method" "$url$base$path" "$data" "$header" 'Content-Type: application/json' 'User-Agent: test' "$@"
    status=$answer
}

# turn JSON-MEMBERS: a switch of $forge
turn() {
    ask send POST "$url/lab/forge" "{\"forge\":\"$forge\",$1}" 'Content-Type: application/json'
    status=$answer
}

look() {
    ask send GET "$url/lab/forge?forge=$forge" ''
    status=$answer
}

head=1111111111111111111111111111111111111111
pull="\"pull\":{\"repository\":\"home/lab\",\"number\":7,\"head\":\"$head\"}"

# --- GitHub ---

list=/repos/home/lab/issues/7/comments
turn "$pull"
is 'a pull request' 204
turn '"pulls":{}'
is 'a switch that is none' 400 'body.decode()' "no such switch: 'pulls'\\n"
api GET /user
is 'who we are' 200 "d['login']" hlrec-bot
token=nobody
api GET /user
is 'a token of nobody' 401 "d['message']" 'Bad credentials'
token='lab-job'
api GET /user
is 'a job may not ask' 403 "d['message']" 'Resource not accessible by integration'
token='lab-user'
api GET /user '' 'User-Agent:  '
is 'who does not say what it is' 403 "heads['content-type']" text/html
api POST "$list" '{"body":"one"}'
is 'a comment' 201 "(d['body'], d['user']['login'], d['user']['type'])" "('one', 'hlrec-bot', 'User')"
ask at "d['id']"
id=$answer
api PATCH "/repos/home/lab/issues/comments/$id" '{"body":"two"}'
is 'edited' 200 "d['body']" two
api PATCH "/repos/home/else/issues/comments/$id" '{"body":"two"}'
is 'of another repository' 404
api POST "$list" '{"body":""}'
is 'empty' 422
api POST "$list" '{'
is 'broken' 400
turn '"comment":{"repository":"home/lab","number":7,"user":"mallory","body":"hello","count":74}'
api GET "$list"
is 'a page' 200 "(len(d), 'rel=\"next\"' in heads['link'])" '(30, True)'
api GET "$list?per_page=100"
is 'a larger one' 200 "(len(d), 'link' in heads)" '(75, False)'
api GET "$list?per_page=50&page=2"
is 'the last' 200 "(len(d), 'rel=\"next\"' in heads['link'])" '(25, False)'
api GET "$list?per_page=1000&page=9"
is 'and one behind it' 200 "len(d)" 0
token='lab-read'
api POST "$list" '{"body":"x"}'
is 'a token of a fork' 403 "d['message']" 'Resource not accessible by integration'
api POST "/repos/home/lab/statuses/$head" '{"state":"success"}'
is 'may not know of statuses' 404
token='lab-user'
api POST "/repos/home/lab/statuses/$head" '{"state":"success","description":"fine","context":"hlrec"}'
is 'a status' 201
api POST "/repos/home/lab/statuses/$head" '{"state":"running"}'
is 'a state that is none' 422
api POST "/repos/home/lab/statuses/$head" "{\"state\":\"success\",\"description\":\"$(printf '%0141d' 0)\"}"
is 'too many words' 422
api POST /repos/home/lab/statuses/2222222222222222222222222222222222222222 '{"state":"success"}'
is 'a commit that is not there' 422
api GET /repos/home/lab/pulls/7
is 'the head' 200 "d['head']['sha'] == '$head'" True
turn '"trouble":{"count":1,"status":403,"reset":5}'
api GET /user
is 'a limit of the rate' 403 "(heads['x-ratelimit-remaining'], int(heads['x-ratelimit-reset']) > 10**9)" "('0', True)"
api GET /user
is 'and past it' 200 "heads['x-ratelimit-remaining']" 987
turn '"trouble":{"count":2,"method":"POST","status":429,"retry_after":3}'
api GET /user
is 'trouble for others' 200
api POST "$list" '{"body":"x"}'
is 'for this one' 429 "heads['retry-after']" 3
turn '"trouble":{"count":1,"status":429,"retry_after":3,"date":true}'
api GET /user
is 'as a date' 429 "heads['retry-after'][-4:]" ' GMT'
turn '"trouble":{"count":1,"html":true}'
api GET /user
is 'a page of a proxy' 200 "heads['content-type']" text/html
turn '"trouble":{"count":1,"redirect":true}'
api GET /user
is 'elsewhere' 307 "heads['location']" http://127.0.0.1:1/elsewhere
turn '"most":10'
api POST "$list" '{"body":"12345678901"}'
is 'too long' 422 "d['errors'][0]['message']" 'Body is too long (maximum is 65536 characters)'
turn '"most":0,"archived":true'
api POST "$list" '{"body":"x"}'
is 'archived' 403
turn '"archived":false'
api DELETE "/repos/home/lab/issues/comments/$id"
is 'deleted' 204
api DELETE "/repos/home/lab/issues/comments/$id"
is 'once' 404
look
is 'what is there' 200 "(len(d['comments']), d['statuses'][0]['state'])" "(74, 'success')"

# --- Gitea, Forgejo ---

speak gitea
turn "$pull"
turn '"comment":{"repository":"home/lab","number":7,"user":"mallory","body":"hello","count":120}'
api GET "$list?limit=50&page=2"
is 'all comments, whatever page is asked for' 200 "(len(d), heads['x-total-count'])" "(120, '120')"
token='lab-comment'
api GET /user
is 'a token for comments alone' 403 "d['message']" \
    'token does not have at least one of required scope(s), required=[read:user], token scope=read:issue'
api POST "$list" '{"body":"x"}'
is 'can comment' 201
ask at "d['id']"
id=$answer
api PATCH "/repos/home/lab/issues/comments/$((id - 1))" '{"body":"y"}'
is 'but not edit what others wrote' 403
api POST "/repos/home/lab/statuses/$head" '{"state":"success"}'
is 'nor set a status' 403
token='lab-job'
api POST "$list" '{"body":"x"}'
is 'the user of Actions' 201 "(d['user']['id'], d['user']['login'])" "(-2, 'gitea-actions')"
token='lab-user'
turn '"most":10'
api POST "$list" '{"body":"12345678901"}'
is 'too long for its database' 500
turn '"most":0,"archived":true'
api PATCH "/repos/home/lab/issues/comments/$id" '{"body":"y"}'
is 'archived' 423

# --- GitLab ---

speak gitlab
notes=/projects/home%2Flab/merge_requests/7/notes
turn "$pull"
turn '"comment":{"repository":"home/lab","number":7,"user":"mallory","body":"changed the title","system":true}'
turn '"comment":{"repository":"home/lab","number":7,"user":"mallory","body":"hello","count":24}'
api GET "$notes"
is 'the newest first' 200 "(len(d), d[0]['id'] > d[1]['id'], heads['x-next-page'], heads['x-total'])" "(20, True, '2', '25')"
api GET "$notes?sort=asc&per_page=20&page=2"
is 'the last page' 200 "(len(d), heads['x-next-page'])" "(5, '')"
api GET "$notes?sort=asc"
is 'its own words among them' 200 "(d[0]['system'], d[1]['system'], d[1]['author']['username'])" "(True, False, 'mallory')"
api POST "$notes" '{"body":"fine\n/merge\n /close\n"}'
is 'a note' 201
ask at "d['id']"
id=$answer
look
is 'with a command' 200 "d['commands']" "['/merge']"
api PUT "$notes/$id" '{"body":"y"}'
is 'edited' 200 "d['body']" y
api PUT "$notes/$((id - 1))" '{"body":"y"}'
is 'not what others wrote' 403
token='lab-job'
api POST "$notes" '{"body":"x"}'
is 'a job writes no notes' 401
token='lab-user'
api POST "/projects/home%2Flab/statuses/$head" '{"state":"success","name":"hlrec"}'
is 'a status' 201
api POST "/projects/home%2Flab/statuses/$head" '{"state":"success","name":"hlrec"}'
is 'not twice the same' 400 "d['message']" 'Cannot transition status via :success from :success'
api POST "/projects/home%2Flab/statuses/$head" '{"state":"failure","name":"hlrec"}'
is "not GitHub's word" 400
api GET /projects/home%2Flab/merge_requests/7
is 'the head' 200 "d['sha'] == '$head'" True
api GET /projects/home/lab/merge_requests/7
is 'a slash must be escaped' 404
turn '"most":10'
api POST "$notes" '{"body":"12345678901"}'
is 'too long' 400 "d['message']['note']" "['is too long (maximum is 1000000 characters)']"

# --- The end ---

kill "$lab_pid"
wait "$lab_pid"
ok 'the lab ends cleanly' "$?" 0
ok 'no token is logged' "$(grep -c lab-user "$dir/log")" 0
exec 3>&-
wait
pids=
echo "1..$count"

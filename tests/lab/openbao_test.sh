#!/bin/sh
# The traps of OpenBao and its KV version 2, as the lab has them; with $HLREC_BAO (a `bao` program) the same checks run on a real server too. Speaks TAP.
set -u
. "$(dirname "$0")/lib_ask.sh"

token='lab-root'

# start NAME OPTION...: a lab, and the one that the next calls go to
start() {
    start_lab "$@" --only openbao
    started=$!
    url=$(lab_url "$1" HLREC_LAB_OPENBAO)
}

# send METHOD PATH [BODY [HEADER...]]
send() {
    method=$1
    path=$2
    data=${3-}
    [ $# -lt 3 ] || shift
    shift 2
    [ -z "$token" ] || set -- "X-Vault-Token: $token" "$@"
    [ "$method" = PATCH ] || set -- 'Content-Type: application/json' "$@"
    [ "$method" != PATCH ] || set -- 'Content-Type: application/merge-patch+json' "$@"
    ask send "$method" "$url$path" "$data" "$@"
    status=$answer
}

bao() {
    method=$1
    path=$2
    shift 2
    send "$method" "/v1/$path" "$@"
}

# fails WHAT STATUS MESSAGE: the one error of the last answer
fails() {
    is "$1" "$2" "d['errors'][0].replace(chr(10), '/').replace(chr(9), '')" "$3"
}

data() {
    echo "{\"data\":$1}"
}

# login ROLE-ID SECRET-ID
login() {
    token=
    bao POST auth/approle/login "{\"role_id\":\"$1\",\"secret_id\":\"$2\"}"
    token='lab-root'
}

policy() {
    bao PUT "sys/policies/acl/$1" "$(python3 -c 'import json, sys; print(json.dumps({"policy": sys.argv[1]}))' "$2")"
}

# --- The same on both ---

suite() {
    bao GET sys/health
    is 'health needs no rights' 200 "(d['initialized'], d['sealed'], d['standby'])" '(True, False, False)'
    bao GET 'sys/health?activecode=299'
    is 'and its status can be chosen' 299
    bao POST sys/health '{}'
    is 'health is only read' 405 "d['errors']" '[]'
    bao GET sys/internal/ui/mounts/secret
    is 'the engine and its version' 200 "(d['data']['path'], d['data']['type'], d['data']['options'])" "('secret/', 'kv', {'version': '2'})"
    bao GET sys/internal/ui/mounts/secret/app/x
    is 'also from a path within' 200 "d['data']['path']" secret/
    bao GET sys/internal/ui/mounts/missing
    is 'of no mount' 403 "d['errors'][0].split(',')[0]" 'preflight capability check returned 403'
    bao GET sys/mounts
    is 'the table is beside the envelope as well' 200 "d['secret/']['type'] + ' ' + d['data']['secret/']['options']['version']" 'kv 2'

    bao POST auth/token/create '{"policies":["default"],"ttl":"1s","explicit_max_ttl":"2s"}'
    ask at "d['auth']['client_token']"
    token=$answer
    bao POST auth/token/renew-self '{"increment":"1h"}'
    is 'no longer than its maximum, with a warning' 200 "(d['auth']['lease_duration'], d['warnings'])" \
        "(2, ['TTL of \"1h\" exceeded the effective max_ttl of \"2s\"; TTL value is capped accordingly'])"
    short=$token
    token='lab-root'

    bao GET secret/data/a
    is 'never there' 404 "d" "{'errors': []}"
    bao POST secret/data/a "$(data '{"x":"1","y":"2"}')"
    is 'written: the answer is the metadata' 200 "sorted(d['data'])" "['created_time', 'custom_metadata', 'deletion_time', 'destroyed', 'version']"
    is 'envelope' 200 "(d['lease_id'], d['renewable'], d['warnings'], d['auth'], len(d['request_id']))" "('', False, None, None, 36)"
    bao GET secret/data/a
    is 'read' 200 "(d['data']['data'], d['data']['metadata']['version'])" "({'x': '1', 'y': '2'}, 1)"
    bao PUT secret/data/a "$(data '{"z":"3"}')"
    bao GET secret/data/a
    is 'a write replaces all, PUT is POST' 200 "(d['data']['data'], d['data']['metadata']['version'])" "({'z': '3'}, 2)"
    bao GET 'secret/data/a?version=1'
    is 'an older version' 200 "d['data']['data']" "{'x': '1', 'y': '2'}"
    bao GET 'secret/data/a?version=9'
    is 'one that never was' 404 "d" "{'errors': []}"
    bao GET 'secret/data/a?version=x'
    is 'a version that is no number' 400
    bao GET 'secret/data/a?foo=1'
    is 'an unknown parameter' 200 "d['warnings']" "['Endpoint ignored these unrecognized parameters: [foo]']"

    bao POST secret/data/a '{"data":{},"options":{"cas":0}}'
    fails 'cas 0 on what is there' 400 'check-and-set parameter did not match the current version'
    bao POST secret/data/a '{"data":{"x":"1"},"options":{"cas":2}}'
    is 'cas' 200 "d['data']['version']" 3
    bao POST secret/data/a '{"data":{"x":"1"},"options":{"cas":"3"}}'
    is 'cas as text' 200 "d['data']['version']" 4
    bao POST secret/data/a '{"data":{"x":"1"},"options":{"cas":"x"}}'
    fails 'cas as rubbish' 400 'error parsing check-and-set parameter'
    bao POST secret/data/new '{"data":{"x":"1"},"options":{"cas":0}}'
    is 'cas 0 on nothing' 200 "d['data']['version']" 1
    bao POST secret/data/a '{}'
    fails 'nothing' 400 'no data provided'
    bao POST secret/data/a "$(data '"x"')"
    is 'text instead of a map' 400
    bao POST secret/data/a '{"data":{},"bogus":1}'
    is 'an unknown member is told' 200 "d['warnings']" "['Endpoint ignored these unrecognized parameters: [bogus]']"
    bao POST secret/data/a '{'
    is 'broken JSON' 400
    bao POST secret/data/a '[]'
    is 'a list' 400
    bao POST secret/data/a '{"data":{"form":"1"}}' 'Content-Type: application/x-www-form-urlencoded'
    is 'JSON that says it is a form' 200
    bao POST secret/data/n "$(data '{"i":9007199254740993,"s":"9007199254740993","l":[1,null]}')"
    bao GET secret/data/n
    is 'numbers pass through doubles' 200 "(int(d['data']['data']['i']), d['data']['data']['s'], d['data']['data']['l'])" \
        "(9007199254740992, '9007199254740993', [1, None])"
    bao POST secret/data/null "$(data null)"
    bao GET secret/data/null
    is 'data can be null without being deleted' 200 "d['data']['data']" None
    bao PATCH secret/data/null "$(data '{"a":"1"}')"
    fails 'which breaks a patch' 500 '1 error occurred:/* resource does not exist//'

    bao PATCH secret/data/p "$(data '{"a":"1"}')"
    is 'a patch of nothing has no body at all' 404 'body' "b''"
    bao POST secret/data/p "$(data '{"a":"1","b":"2","o":{"x":1,"y":2}}')"
    bao PATCH secret/data/p '{"data":{"b":null,"c":"3","o":{"x":null}},"options":{"cas":1}}'
    is 'patch' 200 "d['data']['version']" 2
    bao GET secret/data/p
    is 'null removes' 200 "d['data']['data']" "{'a': '1', 'c': '3', 'o': {'y': 2}}"
    bao PATCH secret/data/p '{"data":{"b":null},"options":{"cas":1}}'
    fails 'cas of a patch' 400 'check-and-set parameter did not match the current version'
    bao PATCH secret/data/p "$(data '{}')" 'Content-Type: application/json'
    fails 'patch wants its type' 415 'PATCH requires Content-Type of application/merge-patch+json, provided application/json'

    bao DELETE secret/data/p
    is 'delete' 204 'body' "b''"
    bao GET secret/data/p
    is 'a deleted one has a body' 404 "(d['data']['data'], d['data']['metadata']['version'], len(d['data']['metadata']['deletion_time']) > 0)" '(None, 2, True)'
    bao GET 'secret/data/p?version=1'
    is 'only the newest is deleted' 200
    bao PATCH secret/data/p "$(data '{"a":"1"}')"
    is 'a patch of it tells its metadata' 404 "d['data']['version']" 2
    bao POST secret/data/p '{"data":{},"options":{"cas":0}}'
    is 'cas 0 does not fit it' 400
    bao POST secret/undelete/p '{"versions":["2"]}'
    is 'undelete' 204
    bao GET secret/data/p
    is 'brings it back' 200
    bao POST secret/delete/p '{"versions":"1,2,7"}'
    is 'delete versions, also ones that are not' 204
    bao PUT secret/destroy/p '{"versions":[2]}'
    is 'destroy' 204
    bao POST secret/undelete/p '{"versions":[1,2]}'
    bao GET secret/data/p
    is 'what is destroyed stays so' 404 "(d['data']['data'], d['data']['metadata']['destroyed'])" '(None, True)'
    bao POST secret/data/p '{"data":{"back":"1"},"options":{"cas":2}}'
    is 'and is written over' 200 "d['data']['version']" 3
    bao POST secret/delete/p '{}'
    fails 'without versions' 400 'No version number provided'
    bao POST secret/destroy/p '{"versions":["x"]}'
    is 'with rubbish' 400
    bao GET secret/destroy/p
    fails 'destroy is not read' 405 '1 error occurred:/* unsupported operation//'
    bao DELETE secret/data/never
    is 'delete what never was' 204
    bao GET secret/metadata/p
    is 'metadata' 200 "(d['data']['current_version'], sorted(d['data']['versions']), d['data']['versions']['2']['destroyed'])" "(3, ['1', '2', '3'], True)"
    bao DELETE secret/metadata/p
    is 'all traces' 204
    bao DELETE secret/metadata/p
    is 'are gone already' 204
    bao GET secret/metadata/p
    is 'of it' 404 "d" "{'errors': []}"
    bao POST secret/data/p '{"data":{},"options":{"cas":0}}'
    is 'so that it starts anew' 200 "d['data']['version']" 1

    bao POST secret/metadata/m '{"max_versions":2,"cas_required":true,"custom_metadata":{"owner":"hlrec","n":1}}'
    is 'settings of a key' 204
    bao GET secret/data/m
    is 'make no version' 404 "d" "{'errors': []}"
    bao POST secret/data/m "$(data '{}')"
    fails 'cas is required' 400 'check-and-set parameter required for this call'
    for n in 0 1 2; do bao POST secret/data/m "{\"data\":{\"n\":\"$n\"},\"options\":{\"cas\":$n}}"; done
    is 'with cas' 200 "(d['data']['version'], d['data']['custom_metadata'])" "(3, {'n': '1', 'owner': 'hlrec'})"
    bao GET 'secret/data/m?version=1'
    is 'the oldest is forgotten' 404 "d" "{'errors': []}"
    bao GET secret/metadata/m
    is 'and that is told' 200 "(d['data']['oldest_version'], sorted(d['data']['versions']), d['data']['max_versions'])" "(2, ['2', '3'], 2)"
    bao PATCH secret/metadata/m '{"custom_metadata":{"n":null,"x":"y"},"cas_required":false}'
    bao GET secret/metadata/m
    is 'a patch of the settings' 200 "(d['data']['custom_metadata'], d['data']['cas_required'], d['data']['current_metadata_version'])" \
        "({'owner': 'hlrec', 'x': 'y'}, False, 2)"
    bao POST secret/metadata/m '{"custom_metadata":{"e":""}}'
    is 'custom metadata cannot be empty' 400
    bao POST secret/metadata/m '{"metadata_cas":1,"max_versions":3}'
    fails 'cas of metadata' 400 'metadata check-and-set parameter does not match the current version'
    bao POST secret/metadata/m '{"delete_version_after":"90m"}'
    bao GET secret/metadata/m
    is 'durations' 200 "d['data']['delete_version_after']" 1h30m0s
    for _ in 1 2 3 4 5 6 7 8 9 10 11; do bao POST secret/data/many "$(data '{}')"; done
    bao GET secret/metadata/many
    is 'ten versions are kept' 200 "(d['data']['oldest_version'], len(d['data']['versions']), d['data']['max_versions'])" '(2, 10, 0)'
    bao POST secret/metadata/short '{"delete_version_after":"1s"}'
    bao POST secret/data/short "$(data '{"a":"1"}')"
    is 'a version that will go has its time' 200 "len(d['data']['deletion_time']) > 0" True
    bao GET secret/data/short
    is 'before' 200
    bao POST secret/config '{"cas_required":true}'
    bao POST secret/data/fresh "$(data '{}')"
    is 'cas required by the mount' 400
    bao POST secret/config '{"cas_required":false}'
    bao GET secret/config
    is 'config' 200 "(d['data']['cas_required'], d['data']['delete_version_after'])" "(False, '0s')"

    for name in l/b l/a/x l/a/y l/a l/B; do bao POST "secret/data/$name" "$(data '{}')"; done
    bao LIST secret/metadata/l
    is 'list: sorted by bytes, folders with a slash' 200 "d['data']['keys']" "['B', 'a', 'a/', 'b']"
    bao GET 'secret/metadata/l?list=true'
    is 'list by GET' 200 "len(d['data']['keys'])" 4
    bao GET 'secret/metadata/l/?list=true&after=B&limit=2'
    is 'a page of it' 200 "d['data']['keys']" "['a', 'a/']"
    bao GET 'secret/metadata/l?list=yes'
    is 'list by a wrong word' 400
    bao LIST secret/metadata/l/b
    is 'an empty list is absent' 404 "d" "{'errors': []}"
    bao LIST secret/data/l
    is 'data is not listed' 405

    bao GET secret/a
    is 'the path of version 1' 404 "(d['data'], d['warnings'][0][:56])" "(None, 'Invalid path for a versioned K/V secrets engine. See the')"
    bao GET secret/data
    is 'no path' 404 "d['warnings'][0][:22]" 'Non-listing operations'
    bao POST secret/data/a/ "$(data '{}')"
    fails 'a path ending in a slash' 400 "cannot write to a path ending in '/'"
    bao GET missing/data/a
    fails 'no mount' 404 'no handler for route "missing/data/a". route entry not found.'
    bao POST secret/data/dot. "$(data '{}')"
    is 'a path ending in a dot is fine' 200
    bao POST 'secret/data/x%20%C3%A4%2Fy' "$(data '{"ok":"1"}')"
    bao GET 'secret/data/x%20%C3%A4/y'
    is 'escapes, even of the slash' 200 "d['data']['data']" "{'ok': '1'}"
    bao GET secret//data/a
    is 'two slashes redirect' 307 "heads['location']" /v1/secret/data/a
    bao GET 'secret/data/..%2fa'
    fails 'relative paths' 400 'relative paths not supported'
    bao FOO secret/data/a
    is 'unknown method' 405 "d['errors']" '[]'
    send GET /v2/x
    is 'outside of /v1/' 404 "d['errors']" '[]'
    python3 -c 'import json; print(json.dumps({"data": {**{"k%d" % i: "v" for i in range(499)}, "last": 1}}))' >"$dir/fits"
    bao POST secret/data/big "@$dir/fits"
    is 'a thousand strings' 200
    python3 -c 'import json; print(json.dumps({"data": {"k%d" % i: "v" for i in range(500)}}))' >"$dir/large"
    bao POST secret/data/big "@$dir/large"
    fails 'one more' 400 'refused JSON input due to high complexity: exceeded maximum number of strings'

    token=wrong
    bao GET secret/data/a
    fails 'a bad token' 403 'permission denied'
    bao GET auth/token/lookup-self
    fails 'even asked about itself' 403 'permission denied'
    bao POST secret/data/a '{'
    is 'the body is read first' 400
    token=
    bao GET secret/data/a
    fails 'no token' 403 'permission denied'
    bao GET auth/token/lookup-self '' 'Authorization: Bearer lab-root'
    is 'a bearer will do' 200 "(d['data']['ttl'], d['data']['expire_time'], d['data']['policies'])" "(0, None, ['root'])"
    token='lab-root'
    bao POST auth/token/renew-self '{}'
    fails 'the root token cannot be renewed' 400 'lease is not renewable'
    bao GET secret/data/a '' 'X-Vault-Namespace: other'
    fails 'a namespace that is not there' 404 'namespace not found'
    bao GET secret/data/a '' 'X-Vault-Namespace: root/'
    is 'the root namespace' 200

    policy app '{"path":{"secret/data/app/*":{"capabilities":["create","patch","read"]},"secret/metadata/app/*":{"capabilities":["list"]},
        "secret/+/one":{"capabilities":["read"]},"secret/data/app/no":{"capabilities":["deny"]}}}'
    is 'a policy' 204
    bao POST auth/token/create '{"policies":["app"],"ttl":"1h","num_uses":14}'
    is 'a token' 200 "(d['auth']['policies'], d['auth']['lease_duration'], d['auth']['renewable'])" "(['app', 'default'], 3600, True)"
    ask at "d['auth']['client_token']"
    token=$answer
    bao GET secret/data/a
    fails 'not allowed: not the words of a bad token' 403 '1 error occurred:/* permission denied//'
    bao GET secret/data/one
    is 'one segment' 404
    bao POST secret/data/app/x "$(data '{"a":"1"}')"
    is 'create' 200
    bao POST secret/data/app/x "$(data '{"a":"1"}')"
    is 'is not update' 403
    bao PATCH secret/data/app/x "$(data '{"a":"2"}')"
    is 'nor patch' 200
    bao POST secret/data/app/no "$(data '{}')"
    is 'denied' 403
    bao LIST secret/metadata/app
    is 'list of its own' 200
    bao LIST secret/metadata
    is 'and of all' 403
    bao GET sys/mounts
    is 'the table of mounts' 403
    bao GET sys/internal/ui/mounts/secret
    is 'what it may know of them' 200
    bao GET missing/data/a
    is 'a mount that is not there looks forbidden' 403
    bao POST sys/capabilities-self '{"paths":["secret/data/app/x","secret/data/a"]}'
    is 'capabilities' 200 "(d['data']['secret/data/app/x'], d['secret/data/a'])" "(['create', 'patch', 'read'], ['deny'])"
    bao GET auth/token/lookup-self
    is 'uses left' 200 "d['data']['num_uses']" 2
    bao POST auth/token/renew-self '{"increment":"40m"}'
    is 'renew' 200 "d['auth']['lease_duration']" 2400
    bao GET auth/token/lookup-self
    is 'the last use' 200 "d['data']['num_uses']" -1
    bao GET auth/token/lookup-self
    fails 'used up' 403 'permission denied'
    token='lab-root'
    bao POST auth/token/create '{"policies":["app"],"ttl":"1h"}'
    ask at "d['auth']['client_token']"
    token=$answer
    bao POST auth/token/revoke-self
    is 'revoke' 204
    bao GET auth/token/lookup-self
    is 'is at once' 403
    token='lab-root'

    bao POST sys/auth/approle '{"type":"approle"}' # the lab has it already
    bao POST auth/approle/role/tests '{"token_policies":["app"],"token_ttl":"20m","token_max_ttl":"30m","secret_id_num_uses":1}'
    bao POST auth/approle/role/tests/role-id '{"role_id":"tests-id"}'
    for secret in one two three; do bao POST auth/approle/role/tests/custom-secret-id "{\"secret_id\":\"tests-$secret\"}"; done
    is 'secrets of a role' 200 "d['data']['secret_id_num_uses']" 1
    login tests-id tests-one
    is 'sign-in' 200 "(d['auth']['lease_duration'], d['auth']['metadata'], d['auth']['policies'])" "(1200, {'role_name': 'tests'}, ['app', 'default'])"
    login tests-id tests-one
    fails 'a secret of one use' 400 'invalid role or secret ID'
    login nobody tests-two
    fails 'no such role' 400 'invalid role or secret ID'
    login tests-id ''
    fails 'no secret' 400 'missing secret_id'
    token=
    bao POST auth/approle/login '{"secret_id":"x"}'
    fails 'no role' 500 'missing role_id'
    bao POST auth/missing/login '{"role_id":"x","secret_id":"y"}'
    fails 'no such method' 403 'permission denied'
    login tests-id tests-two
    is 'the right one ends the count of wrong ones' 200
    for _ in 1 2 3 4; do login tests-id wrong; done
    login tests-id wrong
    is 'the fifth wrong secret' 400
    login tests-id tests-three
    fails 'locks the role, also for the right one' 403 'permission denied'

    bao POST sys/mounts/old '{"type":"kv","options":{"version":"1"}}'
    is 'mount' 204
    bao POST sys/mounts/old '{"type":"kv"}'
    fails 'mount again' 400 'path is already in use at old/'
    bao POST old/a '{"x":"1"}'
    is 'version 1 writes' 204
    bao GET old/a
    is 'and reads without metadata' 200 "(d['data'], d['lease_duration'])" "({'x': '1'}, 2764800)"
    bao PATCH old/a '{"x":"1"}'
    is 'and has no patch' 405
    bao DELETE sys/mounts/old
    bao GET old/a
    is 'unmount' 404

    while bao GET secret/data/short && [ "$status" = 200 ]; do sleep 0.1; done
    is 'the version has gone by itself' 404 "d['data']['data']" None
    token=$short
    while bao GET auth/token/lookup-self && [ "$status" = 200 ]; do sleep 0.1; done
    fails 'and the token' 403 'permission denied'
    token='lab-root'

    bao PUT sys/seal
    is 'seal' 204
    bao GET secret/data/a
    fails 'sealed' 503 'Vault is sealed'
    bao GET sys/health
    is 'and so says health' 503 "(d['initialized'], d['sealed'], d['standby'])" '(True, True, True)'
    token=
    bao GET sys/seal-status
    is 'the seal is told to anybody' 200 "(d['sealed'], d['t'], d['n'])" '(True, 1, 1)'
    bao PUT sys/unseal "{\"key\":\"$key\"}"
    is 'unseal' 200 "d['sealed']" False
    token='lab-root'
    bao GET secret/data/a
    is 'all is there' 200
}

# --- The lab ---

about='lab: '
key=bGFi
export HLREC_LAB_OPENBAO_ROLE=env-role HLREC_LAB_OPENBAO_SECRET=env-secret
start main --data "$dir/data"
suite

login env-role env-secret
is 'the role of the environment' 200 "d['auth']['policies']" "['default', 'hlrec']"
ask at "d['auth']['client_token']"
hlrec=$answer
token=$hlrec
bao POST secret/data/kept "$(data '{"x":"1"}')"
is 'may write' 200
token='lab-root'
send POST /lab/openbao '{"unlock":true}'
login tests-id tests-three
is 'the lockout can be ended' 200
send POST /lab/openbao '{"upgrading":1}'
bao GET secret/data/kept
is 'an engine that upgrades' 400 "d['errors'][0][:45]" 'Upgrading from non-versioned to versioned dat'
bao GET secret/data/kept
is 'is done some time' 200
send POST /lab/openbao '{"throttle":1}'
bao GET secret/data/kept
fails 'quota' 429 'request path "secret/data/kept": rate limit quota exceeded'
send POST /lab/openbao '{"standby":true}'
bao GET sys/health
is 'standby' 429
bao GET 'sys/health?standbyok=true'
is 'that is fine' 200
send POST /lab/openbao '{"standby":false,"initialized":false}'
bao GET sys/health
is 'not initialised' 501
send POST /lab/openbao '{"initialized":true}'
send POST /lab/nothing '{}'
is 'no such switch' 404

kill "$started"
wait "$started"
ok 'ends cleanly' "$?" 0
start again --data "$dir/data"
bao GET secret/data/kept
is 'what was kept' 200 "d['data']['data']" "{'x': '1'}"
token=$hlrec
bao GET secret/data/kept
is 'also the tokens' 200
token='lab-root'
bao POST secret/data/kept '{"data":{},"options":{"cas":1}}'
is 'and the versions' 200 "d['data']['version']" 2

# --- A real server ---

about='real: '
if [ -z "${HLREC_BAO-}" ]; then
    count=$((count + 1))
    echo "ok $count - ${about}the same checks # SKIP HLREC_BAO names no bao"
else
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    mkdir -m 700 "$dir/home"
    HOME=$dir/home "$HLREC_BAO" server -dev -dev-root-token-id=lab-root "-dev-listen-address=127.0.0.1:$port" -dev-no-store-token \
        >"$dir/bao.log" 2>&1 3>&- 4<&- &
    pids="$pids $!"
    url=http://127.0.0.1:$port
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        bao GET secret/data/ready
        [ "$status" != 404 ] || break
        sleep 0.2
    done
    while ! key=$(grep '^Unseal Key: ' "$dir/bao.log"); do sleep 0.1; done
    key=${key#*: }
    suite
fi

exec 3>&-
echo "1..$count"

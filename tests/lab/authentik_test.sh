#!/bin/sh
# The traps of authentik's API, as the lab has them: what a test on the lab relies on. Speaks TAP.
set -u
. "$(dirname "$0")/lib_curl.sh"

token='lab-bootstrap'

# start NAME OPTION...: a lab, and the one that the next calls go to
start() {
    start_lab "$@" --only authentik
    pid=$!
    url=$(lab_url "$1" HLREC_LAB_AUTHENTIK)
}

# raw METHOD PATH [JSON [CURL-OPTION...]]: PATH from the root
raw() {
    path=$2
    raw_method=$1
    shift 2
    call "$raw_method" "$url$path" "$@"
}

# api METHOD PATH [JSON]: below /api/v3, with the token
api() {
    raw "$1" "/api/v3$2" "${3-}" -H "Authorization: Bearer $token"
}

start main --log "$dir/log"

# ---- who may come in ----
raw GET /-/health/live/
ok 'live' "$status" 200
raw GET /-/health/ready/
ok 'ready' "$status" 200
raw GET /api/v3/core/users/me/
ok 'no token is a 403' "$status $(at "d['detail']")" '403 Authentication credentials were not provided.'
raw GET /api/v3/core/users/me/ '' -H 'Authorization: Bearer wrong'
ok 'so is a wrong one' "$status $(at "d['detail']")" '403 Token invalid/expired'
raw GET /api/v3/core/users/me/ '' -H 'Authorization: Basic bGFiOmxhYg=='
ok 'so is another scheme' "$status $(at "d['detail']")" '403 Unsupported authentication type'
api GET /core/users/me/
ok 'the bootstrap token is of akadmin' "$status $(at "(d['user']['username'], d['user']['is_superuser'], type(d['user']['pk']).__name__)")" "200 ('akadmin', True, 'int')"
admin=$(at "d['user']['pk']")
api GET /core/users/me
has 'a missing slash redirects' "$status $(cat "$heads")" '301 '
has 'to the path with it' "$(cat "$heads")" 'Location: /api/v3/core/users/me/'
api POST /core/tokens '{"identifier":"lost"}'
ok 'a POST without it does nothing' "$status" 301
api GET /core/tokens/lost/
ok 'indeed' "$status $(at "d['detail']")" '404 No Token matches the given query.'
api GET /no/such/path/
has 'an unknown path is a page' "$status $(cat "$heads")" '404 '
has 'of HTML' "$(cat "$body")" '<h1>Not Found</h1>'
raw GET /api/v3/core/users/me/ '' -H "Authorization: bearer $token"
ok 'the scheme has no case' "$status" 200
api GET /admin/version/
ok 'version' "$status $(at "d['version_current']")" '200 2025.10.0'
api DELETE /core/users/
ok 'a method that is not for it' "$status $(at "d['detail']")" '405 Method "DELETE" not allowed.'
api POST /core/tokens/ 'nonsense'
has 'no JSON' "$status $(at "d['detail']")" '400 JSON parse error'
api POST /core/tokens/ '[]'
has 'a list where a map belongs' "$status $(at "d['non_field_errors']")" '400 '
raw POST /api/v3/core/tokens/ '' -H "Authorization: Bearer $token" -d 'identifier=x'
ok 'a form' "$status" 415

# ---- tokens ----
api POST /core/tokens/ '{}'
ok 'what is required' "$status $(at "d['identifier']")" "400 ['This field is required.']"
api POST /core/tokens/ '{"identifier":"has blanks"}'
has 'an identifier is a slug' "$status $(at "d['identifier']")" '400 '
api POST /core/tokens/ '{"identifier":"mgmt"}'
ok 'a token' "$status $(at "(d['identifier'], d['intent'], d['user'] == $admin, d['expiring'])")" "201 ('mgmt', 'api', True, True)"
ok 'with its user' "$(at "d['user_obj']['username']")" akadmin
ok 'without its key' "$(at "'key' in d")" False
pk=$(at "d['pk']")
first=$(at "d['expires']")
ok 'its pk is a UUID' "${#pk}" 36
api POST /core/tokens/ '{"identifier":"mgmt"}'
ok 'the identifier is taken' "$status $(at "d['identifier']")" "400 ['Token with this identifier already exists.']"
api GET "/core/tokens/$pk/"
ok 'the pk is no way to it' "$status" 404
api GET /core/tokens/mgmt/
ok 'the identifier is' "$status" 200
sleep 0.01
api PATCH /core/tokens/mgmt/ '{"description":" text "}'
ok 'a write trims text' "$status $(at "d['description']")" '200 text'
ok 'and begins the half hour anew' "$(at "d['expires'] > '$first'")" True
api PATCH /core/tokens/mgmt/ '{"expires":"2099-01-01T00:00:00Z"}'
ok 'whatever expiry is asked for' "$status $(at "d['expires'] < '2099'")" '200 True'
api PATCH /core/tokens/mgmt/ '{"expiring":false}'
ok 'only expiring: false helps' "$status $(at "d['expiring']")" '200 False'
api POST /core/tokens/ '{"identifier":"bad","intent":"recovery"}'
ok 'an intent that is not for all' "$status $(at "d['intent']")" "400 ['Invalid intent recovery']"
api POST /core/tokens/ '{"identifier":"bad","intent":"nonsense"}'
ok 'one that is none' "$status $(at "d['intent']")" "400 ['\"nonsense\" is not a valid choice.']"
api POST /core/tokens/ '{"identifier":"bad","user":4711}'
ok 'a user that is not there' "$status $(at "d['user']")" "400 ['Invalid pk \"4711\" - object does not exist.']"
api POST /core/tokens/ '{"identifier":"bad","expiring":"perhaps"}'
ok 'no boolean' "$status $(at "d['expiring']")" "400 ['Must be a valid boolean.']"
api POST /core/tokens/ '{"identifier":"bad","intent":"app_password","expires":"2099-01-01T00:00:00Z"}'
has 'an app password beyond the lifetime' "$status $(at "d['expires']")" '400 '
api GET /core/tokens/mgmt/view_key/
key=$(at "d['key']")
ok 'the key is told apart' "$status ${#key}" '200 60'
raw GET /api/v3/core/users/me/ '' -H "Authorization: Bearer $key"
ok 'and works' "$status" 200
api POST /core/tokens/mgmt/set_key/ '{"key":"my-own-key"}'
ok 'a key of my own' "$status" 204
api POST /core/tokens/mgmt/set_key/ '{"key":""}'
ok 'not an empty one' "$status" 400
api POST /core/tokens/mgmt/view_key/ '{}'
ok 'GET alone shows it' "$status" 405
raw GET /api/v3/core/users/me/ '' -H "Authorization: Bearer $key"
ok 'the former key is dead' "$status" 403
raw GET /api/v3/core/users/me/ '' -H "Authorization: Bearer my-own-key"
ok 'the new one lives' "$status" 200
api PATCH /core/tokens/mgmt/ '{"identifier":"mgmt2"}'
ok 'an identifier can change' "$status" 200
api PATCH /core/tokens/mgmt2/ '{"identifier":"mgmt"}'
ok 'and back' "$status" 200
api POST /core/tokens/ '{"identifier":"short"}'
api GET /core/tokens/short/view_key/
short=$(at "d['key']")
raw POST /lab/clock '{"add_seconds":1801}'
raw GET /api/v3/core/users/me/ '' -H "Authorization: Bearer $short"
ok 'after half an hour a token is dead' "$status" 403
api GET /core/tokens/short/
ok 'though still there' "$status" 200
raw GET /api/v3/core/users/me/ '' -H "Authorization: Bearer my-own-key"
ok 'one that does not expire lives' "$status" 200
raw POST /lab/authentik '{"rotate_expired":true}'
api GET /core/tokens/short/view_key/
ok 'the clean-up gives it another key' "$(at "d['key'] != '$short'")" True
api POST /core/tokens/ '{"identifier":"pass","intent":"app_password","expiring":false}'
api GET /core/tokens/pass/view_key/
pass=$(at "d['key']")
raw GET /api/v3/core/users/me/ '' -H "Authorization: Bearer $pass"
ok 'an app password is no bearer' "$status" 403
api DELETE /core/tokens/pass/
ok 'delete' "$status" 204
api DELETE /core/tokens/pass/
ok 'twice' "$status" 404

# ---- users and groups ----
api POST /core/users/ '{"username":"joe","name":"Joe"}'
joe=$(at "d['pk']")
ok 'a user' "$status $(at "(d['is_superuser'], d['type'])")" "201 (False, 'internal')"
api POST /core/users/ '{"username":"joe","name":"Joe"}'
ok 'the name is taken' "$status" 400
api POST /core/users/service_account/ '{"name":"netbird","create_group":true}'
ok 'a service account, with 200' "$status $(at "(d['username'], type(d['user_pk']).__name__, len(d['group_pk']), len(d['token']))")" "200 ('netbird', 'int', 36, 60)"
pass=$(at "d['token']")
raw GET /api/v3/core/users/me/ '' -H "Authorization: Bearer $pass"
ok 'its token is an app password' "$status" 403
api GET /core/tokens/service-account-netbird-password/
ok 'of which the identifier is known' "$status $(at "(d['intent'], d['expiring'])")" "200 ('app_password', True)"
api POST /core/users/service_account/ '{"name":"netbird"}'
ok 'twice is a 400' "$status" 400
api GET "/core/groups/?name=authentik%20Admins"
admins=$(at "d['results'][0]['pk']")
ok 'a group has users' "$(at "(d['results'][0]['is_superuser'], d['results'][0]['users'] == [$admin])")" '(True, True)'
api POST /core/tokens/ "{\"identifier\":\"joes\",\"user\":$joe,\"expiring\":false}"
api GET /core/tokens/joes/view_key/
joes=$(at "d['key']")
token=$joes
api GET /core/tokens/mgmt/
ok 'others'"'"' tokens are not there for who is no superuser' "$status" 404
api GET /core/tokens/
ok 'nor listed' "$status $(at "[t['identifier'] for t in d['results']]")" "200 ['joes']"
api GET /core/users/
ok 'other lists are forbidden' "$status $(at "d['detail']")" '403 You do not have permission to perform this action.'
api POST /core/tokens/ "{\"identifier\":\"own\",\"user\":$admin,\"expiring\":false}"
ok 'a token is for oneself, and expires' "$status $(at "(d['user'] == $joe, d['expiring'])")" '201 (True, True)'
api PATCH /core/tokens/own/ "{\"expiring\":false,\"user\":$joe}"
ok 'until it is changed' "$status $(at "d['expiring']")" '200 False'
api POST /core/tokens/own/set_key/ '{"key":"mine"}'
ok 'its owner may not set the key' "$status" 403
api GET /core/tokens/own/view_key/
ok 'but look' "$status" 200
api PUT /core/transactional/applications/ '{}'
ok 'nor make applications' "$status" 403
token='lab-bootstrap'
api PATCH /core/tokens/own/ '{"description":"x"}'
ok 'a change without a user makes it the caller'"'"'s' "$status $(at "d['user'] == $admin")" '200 True'
api PATCH /core/tokens/joes/ "{\"user\":$admin}"
ok 'a change of the user is refused' "$status $(at "d['user']")" "400 ['User cannot be changed']"
api POST "/core/groups/$admins/add_user/" "{\"pk\":$joe}"
ok 'into the admins' "$status" 204
api GET "/core/users/$joe/"
ok 'makes a superuser' "$(at "d['is_superuser']")" True
api POST "/core/groups/$admins/remove_user/" "{\"pk\":$joe}"
api DELETE "/core/users/$joe/"
ok 'a user goes' "$status" 204
api GET /core/tokens/joes/
ok 'with the tokens' "$status" 404

# ---- lists ----
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21; do api POST /core/groups/ "{\"name\":\"g$i\"}"; done
api GET /core/groups/
ok 'twenty on a page' "$(at "(len(d['results']), d['pagination']['count'], d['pagination']['next'], d['pagination']['previous'], d['pagination']['total_pages'])")" '(20, 23, 2, 0, 2)'
api GET '/core/groups/?page=2'
ok 'next is 0 at the end' "$(at "(len(d['results']), d['pagination']['next'], d['pagination']['current'])")" '(3, 0, 2)'
api GET '/core/groups/?page=3'
ok 'no page behind it' "$status $(at "d['detail']")" '404 Invalid page.'
api GET '/core/groups/?page_size=1000'
ok 'at most a hundred' "$(at "len(d['results'])")" 23
api GET '/core/groups/?ordering=-name&page_size=2'
ok 'ordering' "$(at "[g['name'] for g in d['results']]")" "['netbird', 'g9']"
api GET '/core/groups/?search=G2'
ok 'search finds parts' "$(at "[g['name'] for g in d['results']]")" "['g2', 'g20', 'g21']"
api GET '/core/tokens/?identifier=mgmt'
ok 'a filter does not' "$(at "[t['identifier'] for t in d['results']]")" "['mgmt']"
api GET '/core/tokens/?user__username=netbird'
ok 'a filter by user' "$(at "len(d['results'])")" 1

# ---- sign-in ----
api GET '/flows/instances/?slug=default-provider-authorization-implicit-consent'
auth=$(at "d['results'][0]['pk']")
api GET /flows/instances/default-provider-invalidation-flow/
bye=$(at "d['pk']")
ok 'flows are looked up by slug' "$status ${#auth} ${#bye}" '200 36 36'
api GET '/propertymappings/provider/scope/?scope_name=openid'
openid=$(at "d['results'][0]['pk']")
api GET '/crypto/certificatekeypairs/?name=authentik%20Self-signed%20Certificate'
cert=$(at "d['results'][0]['pk']")
ok 'scopes and keys too' "${#openid} ${#cert}" '36 36'
ok 'private keys are not told' "$(at "'key_data' in d['results'][0]")" False
api GET /propertymappings/scope/
ok 'the former path of scopes is gone' "$status" 404
uris='[{"matching_mode":"strict","url":"https://a.example/auth"}]'
api POST /providers/oauth2/ "{\"name\":\"p\",\"authorization_flow\":\"$auth\",\"redirect_uris\":$uris}"
ok 'a provider needs an invalidation flow' "$status $(at "d['invalidation_flow']")" "400 ['This field is required.']"
api POST /providers/oauth2/ "{\"name\":\"p\",\"authorization_flow\":\"$auth\",\"invalidation_flow\":\"$bye\"}"
ok 'and redirect URIs' "$status $(at "d['redirect_uris']")" "400 ['This field is required.']"
api POST /providers/oauth2/ "{\"name\":\"p\",\"authorization_flow\":\"$auth\",\"invalidation_flow\":\"$bye\",\"redirect_uris\":\"https://a.example\"}"
ok 'as a list' "$status $(at "d['redirect_uris']['non_field_errors']")" "400 ['Expected a list of items but got type \"str\".']"
api POST /providers/oauth2/ "{\"name\":\"p\",\"authorization_flow\":\"$auth\",\"invalidation_flow\":\"$bye\",\"redirect_uris\":[{\"url\":\"x\"}]}"
ok 'each with its mode' "$status $(at "d['redirect_uris'][0]['matching_mode']")" "400 ['This field is required.']"
api POST /providers/oauth2/ "{\"name\":\"p\",\"authorization_flow\":\"$auth\",\"invalidation_flow\":\"$bye\",\"redirect_uris\":[{\"url\":\"(\",\"matching_mode\":\"regex\"}]}"
has 'expressions are compiled' "$status $(at "d['redirect_uris'][0]")" '400 Invalid Regex Pattern'
api POST /providers/oauth2/ "{\"name\":\"p\",\"authorization_flow\":\"nonsense\",\"invalidation_flow\":\"$bye\",\"redirect_uris\":[]}"
has 'a flow is a UUID' "$status $(at "d['authorization_flow']")" '400 '
api POST /providers/oauth2/ "{\"name\":\"p\",\"authorization_flow\":\"$auth\",\"invalidation_flow\":\"$bye\",\"redirect_uris\":$uris,\"access_code_validity\":\"1m\"}"
has 'durations have a form of their own' "$status $(at "d['access_code_validity']")" '400 '
api POST /providers/oauth2/ "{\"name\":\"p\",\"authorization_flow\":\"$auth\",\"invalidation_flow\":\"$bye\",\"redirect_uris\":$uris,\"property_mappings\":[\"$openid\"]}"
p=$(at "d['pk']")
ok 'a provider' "$status $(at "(type(d['pk']).__name__, len(d['client_id']), len(d['client_secret']), d['sub_mode'], d['signing_key'])")" "201 ('int', 40, 128, 'hashed_user_id', None)"
ok 'URIs have a type now' "$(at "d['redirect_uris'][0]['redirect_uri_type']")" authorization
client=$(at "d['client_id']")
api POST /providers/oauth2/ "{\"name\":\"p\",\"authorization_flow\":\"$auth\",\"invalidation_flow\":\"$bye\",\"redirect_uris\":[]}"
ok 'its name is unique' "$status $(at "list(d)")" "400 ['name']"
api POST /providers/oauth2/ "{\"name\":\"q\",\"client_id\":\"$client\",\"authorization_flow\":\"$auth\",\"invalidation_flow\":\"$bye\",\"redirect_uris\":[]}"
ok 'so is the client id' "$status $(at "list(d)")" "400 ['client_id']"
api POST /core/applications/ "{\"name\":\"App\",\"slug\":\"app\",\"provider\":$p}"
ok 'an application' "$status $(at "(d['provider_obj']['assigned_application_slug'], d['provider_obj']['meta_model_name'])")" "201 ('app', 'authentik_providers_oauth2.oauth2provider')"
api GET "/providers/oauth2/$p/setup_urls/"
ok 'the issuer ends with a slash' "$(at "d['issuer']")" "$url/application/o/app/"
api POST /core/applications/ "{\"name\":\"App\",\"slug\":\"app\"}"
ok 'a slug is unique' "$status $(at "list(d)")" "400 ['slug']"
api POST /core/applications/ "{\"name\":\"App\",\"slug\":\"app2\",\"provider\":$p}"
ok 'a provider has one application' "$status $(at "list(d)")" "400 ['provider']"
raw POST /lab/authentik '{"hide":"app"}'
api GET /core/applications/
ok 'the list hides what one may not launch' "$(at "len(d['results'])")" 0
api GET '/core/applications/?superuser_full_list=true'
ok 'unless all are asked for' "$(at "len(d['results'])")" 1
api PATCH "/providers/oauth2/$p/" '{"client_type":"public"}'
ok 'change' "$status $(at "(d['client_type'], d['client_id'] == '$client')")" "200 ('public', True)"
api DELETE "/providers/oauth2/$p/"
api GET /core/applications/app/
ok 'an application outlives its provider' "$status $(at "d['provider']")" '200 None'
both="{\"app\":{\"name\":\"Both\",\"slug\":\"both\"},\"provider_model\":\"authentik_providers_oauth2.oauth2provider\",
    \"provider\":{\"name\":\"both\",\"authorization_flow\":\"$auth\",\"invalidation_flow\":\"$bye\",\"redirect_uris\":$uris}}"
api PUT /core/transactional/applications/ "$both"
ok 'both at once' "$status $(at "d['applied']")" '200 True'
api GET /core/applications/both/
ok 'are there' "$(at "d['provider_obj']['name']")" both
api PUT /core/transactional/applications/ "$both"
ok 'not twice' "$status $(at "sorted(d)")" "400 ['app', 'provider']"
api PUT /core/transactional/applications/ '{"app":{"name":"x","slug":"x"},"provider_model":"nonsense","provider":{}}'
ok 'of a model that is there' "$status $(at "list(d)")" "400 ['provider_model']"
api POST /core/transactional/applications/ '{}'
ok 'PUT alone' "$status" 405
has 'the log' "$(head -1 "$dir/log")" '{"api":"authentik","method":"GET","path":"/-/health/live/"'

# ---- an older one, a slow start, and what is kept ----
start old --authentik 2024.10.4
api GET /admin/version/
ok 'an older version' "$(at "d['version_current']")" 2024.10.4
raw GET /-/health/ready/
ok 'is ready with 204' "$status" 204
api GET /flows/instances/default-provider-authorization-implicit-consent/
auth=$(at "d['pk']")
api POST /providers/oauth2/ "{\"name\":\"p\",\"authorization_flow\":\"$auth\",\"redirect_uris\":$uris}"
ok 'takes redirect URIs as text' "$status $(at "d['redirect_uris']")" "400 ['Not a valid string.']"
api POST /providers/oauth2/ "{\"name\":\"p\",\"authorization_flow\":\"$auth\",\"redirect_uris\":\"https://a.example\\nhttps://b.example\"}"
ok 'a line each, and no invalidation flow' "$status $(at "d['redirect_uris'].split()")" "201 ['https://a.example', 'https://b.example']"
api POST /core/users/ '{"username":"joe","name":"Joe"}'
joe=$(at "d['pk']")
api POST /core/tokens/ '{"identifier":"mgmt"}'
api PATCH /core/tokens/mgmt/ "{\"user\":$joe}"
ok 'lets a token change hands' "$status" 200

# The delays are far longer than the test, which moves on by starting anew: no check depends on how fast the machine is.
HLREC_LAB_AUTHENTIK_START=100000,200000,300000 HLREC_LAB_AUTHENTIK_TOKEN=my-first-token start slow --data "$dir/data"
token=my-first-token
again() { raw POST /lab/authentik "{\"start\": $1}"; }
raw GET /-/health/live/
ok 'while it starts it lives' "$status" 200
raw GET /-/health/ready/
ok 'and is not ready' "$status" 503
api GET /core/users/me/
has 'what it answers is a page' "$status $(cat "$body")" '503 <!doctype html>'
again '[0, 100000, 200000]'
raw GET /-/health/ready/
ok 'then it is ready' "$status" 200
api GET /core/users/me/
ok 'but takes no token' "$status $(at "d['detail']")" '403 Token invalid/expired'
again '[0, 0, 100000]'
api GET /core/users/me/
ok 'then it takes the token' "$status" 200
api GET /flows/instances/
ok 'but has no flows' "$status $(at "d['results']")" '200 []'
again '[0, 0, 0]'
api GET /flows/instances/
ok 'then it has' "$status $(at "len(d['results'])")" '200 5'
api POST /core/tokens/ '{"identifier":"kept"}'
api GET /core/tokens/kept/view_key/
key=$(at "d['key']")
kill "$pid"
wait "$pid"
ok 'it ends cleanly' "$?" 0
start again --data "$dir/data"
api GET /core/tokens/kept/view_key/
ok 'what it held is there again' "$status $(at "d['key'] == '$key'")" '200 True'

HLREC_LAB_AUTHENTIK_TOKEN=first start first --data "$dir/claimed"
raw GET /api/v3/core/users/me/ '' -H 'Authorization: Bearer '
ok 'nobody is not the first' "$status" 403
token=the-first-to-come
api GET /core/users/me/
ok 'the first to come has the first token' "$status $(at "d['user']['username']")" '200 akadmin'
token=the-second
api GET /core/users/me/
ok 'the second has not' "$status" 403
kill "$pid"
wait "$pid"
HLREC_LAB_AUTHENTIK_TOKEN=first start second --data "$dir/claimed"
api GET /core/users/me/
ok 'nor after the next start' "$status" 403
token=the-first-to-come
api GET /core/users/me/
ok 'when it is still that of the first' "$status" 200

exec 3>&-
echo "1..$count"

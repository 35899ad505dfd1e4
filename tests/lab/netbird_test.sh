#!/bin/sh
# The traps of the NetBird management API, as the lab has them: what a test on the lab relies on. Speaks TAP.
set -u
. "$(dirname "$0")/lib_curl.sh"

# Without a checksum: the token of the environment needs none.
token=nbp_0000000000000000000000000000labtoken
auth="Token $token"

# start NAME OPTION...: a lab, and the one that the next calls go to
start() {
    start_lab "$@" --only netbird
    use "$1"
}

# use NAME: the next calls go there
use() {
    url=$(lab_url "$1" HLREC_LAB_NETBIRD)
}

# raw METHOD PATH [JSON [CURL-OPTION...]]: as it is, without /api and without a token
raw() {
    path=$2
    raw_method=$1
    shift 2
    call "$raw_method" "$url$path" "$@"
}

# api METHOD PATH [JSON [CURL-OPTION...]]
api() {
    api_method=$1
    api_path=$2
    api_data=${3-}
    [ $# -gt 2 ] && shift
    shift 2
    raw "$api_method" "/api$api_path" "$api_data" -H "Authorization: $auth" "$@"
}

# says NAME STATUS MESSAGE: what the last call was answered with
says() {
    ok "$1" "$status $(at "d['message']") $(at "d['code']")" "$2 $3 $2"
}

# make KIND JSON: leaves $id
make() {
    api POST "/$1" "$2"
    id=$(at "d['id']")
}

HLREC_LAB_NETBIRD_TOKEN=$token
export HLREC_LAB_NETBIRD_TOKEN
start main --log "$dir/log"

# --- Transport and authentication ---

raw GET /api/instance
ok 'an instance that was set up' "$status $(cat "$body")" '200 {"setup_required":false}'
has 'with the type of Go' "$(cat "$heads")" 'Content-Type: application/json; charset=UTF-8'
raw GET /api/groups
says 'no token' 401 'no valid authentication provided'
raw GET /api/groups '' -H 'Authorization: Basic Zm9vOmJhcg=='
says 'another scheme' 401 'no valid authentication provided'
raw GET /api/groups '' -H "Authorization: Token  $token"
says 'two blanks' 401 'token invalid'
raw GET /api/groups '' -H 'Authorization: Token nbp_short'
says 'a short token' 401 'token invalid'
raw GET /api/groups '' -H 'Authorization: Token nbp_0000000000000000000000000000000000zz'
says 'a wrong checksum' 401 'token invalid'
secret=000000000000000000000000000000
unknown=nbp_$secret$(at "!checksum('$secret')")
raw GET /api/groups '' -H "Authorization: Token $unknown"
hash=$(at "!base64.b64encode(hashlib.sha256(b'$unknown').digest()).decode().lower()")
says 'a token of another server is 404, in lower case' 404 "invalid token: pat: $hash not found"
raw GET /api/groups '' -H "Authorization: Bearer $token"
ok 'a token as bearer' "$status" 200
raw GET /api/groups '' -H "Authorization: tOkEn $token"
ok 'the scheme in any case' "$status" 200
raw GET /api/groups '' -H 'Authorization: Bearer abc.def.ghi'
says 'a signed token that is none' 401 'token invalid'
raw GET /api/nothing
ok 'an unknown path needs no token and is no JSON' "$status $(cat "$body")" '404 404 page not found'
has 'but text' "$(cat "$heads")" 'Content-Type: text/plain; charset=utf-8'
api GET /setup-keys/
ok 'an empty id' "$status $(cat "$body")" '404 404 page not found'
api GET /groups/
ok 'a slash at the end' "$status $(cat "$body")" '404 404 page not found'
api PATCH /groups
ok 'a wrong verb is no other answer' "$status $(cat "$body")" '404 404 page not found'
api GET /users/some-id
ok 'nobody gets one user' "$status $(cat "$body")" '404 404 page not found'
api POST /groups '{"name": nonsense}'
says 'bad JSON keeps its case' 400 "couldn't parse JSON request"
api POST /groups '{"name": 7}'
says 'a wrong type' 400 "couldn't parse JSON request"
api POST /setup-keys 'null'
ok 'null ends the connection for setup keys' "$status" 000
api POST /groups 'null'
says 'but not for groups' 422 "group name shouldn't be empty"

# --- Groups ---

api GET '/groups?name=All'
all=$(at "d[0]['id']")
ok 'All is there' "$status $(at "(d[0]['name'], d[0]['issued'], d[0]['peers'], d[0]['resources'], d[0]['peers_count'])")" "200 ('All', 'api', None, None, 0)"
ok 'ids are of 20 digits' "$(at "len(d[0]['id']) == 20 and set(d[0]['id']) <= set('0123456789abcdefghijklmnopqrstuv')")" True
make groups '{"NAME":"Clients","unknown":1}{"trailing"'
clients=$id
ok 'keys in any case, the rest ignored' "$status $(at "(d['name'], d['peers'], d['resources'])")" "200 ('Clients', None, None)"
make groups '{"name":"Routers"}'
routers=$id
api POST /groups '{"name":"Clients"}'
says 'the name is taken, and told in lower case' 409 'group with name clients already exists'
api POST /groups '{"name":""}'
says 'a group needs a name' 422 "group name shouldn't be empty"
api GET '/groups?name=clients'
says 'names have a case' 404 'group: clients not found'
api PUT "/groups/$routers" '{"name":"Clients"}'
ok 'a rename asks nobody' "$status" 200
api PUT "/groups/$routers" '{"name":"Routers"}'
api PUT "/groups/$all" '{"name":"Everybody"}'
says 'All is not changed' 422 'updating group all is not allowed'
api PUT /groups/none '{"name":"x"}'
says 'a group that is not there' 404 'group: none not found'
api DELETE "/groups/$all"
says 'nor deleted' 400 'deleting group ALL is not allowed'
api DELETE /groups/none
says 'not there is 400, too' 400 'group: none not found'

# --- Setup keys ---

api POST /setup-keys '{"name":"","type":"reusable"}'
says 'a key needs a name' 422 "setup key name shouldn't be empty"
api POST /setup-keys '{"name":"k","type":"Reusable"}'
says 'its type has a case' 422 'unknown setup key type reusable'
api POST /setup-keys '{"name":"k","type":"reusable","expires_in":-1}'
says 'it does not expire in the past' 422 'expiresin can not be in the past'
api POST /setup-keys '{"name":"k","type":"reusable","auto_groups":["none"]}'
says 'its groups must be there' 422 'invalid auto groups: group not found: none'
api POST /setup-keys "{\"name\":\"k\",\"type\":\"reusable\",\"auto_groups\":[\"$all\"]}"
says 'and not be All' 422 "invalid auto groups: can't add 'all' group to the setup key"
api POST /setup-keys '{"name":"k","type":"one-off","usage_limit":5}'
says 'once means once' 422 \
    'usage_limit 5 is not valid for a one-off setup key, which can be used once; use type reusable for a key that can be used more than once'
make setup-keys "{\"name\":\"nas\",\"type\":\"reusable\",\"expires_in\":3600,\"usage_limit\":2,\"auto_groups\":[\"$routers\",\"$routers\"],\"revoked\":true}"
key=$id
plain=$(at "d['key']")
ok 'the key itself is told' "$(at "len(d['key']), d['key'] == d['key'].upper()")" '(36, True)'
ok 'it is valid' "$(at "(d['state'], d['valid'], d['revoked'], d['used_times'], d['usage_limit'])")" "('valid', True, False, 0, 2)"
ok 'never is year 1' "$(at "d['last_used']")" '0001-01-01T00:00:00Z'
ok 'its lifetime is in seconds' "$(at "round(when(d['expires']) - when(d['updated_at']))")" 3600
ok 'nothing tells when it was made' "$(at "[k for k in ('created_at', 'expires_in') if k in d]")" '[]'
ok 'duplicates stay' "$(at "len(d['auto_groups'])")" 2
api GET "/setup-keys/$key"
ok 'and never again' "$(at "d['key']")" "$(echo "$plain" | cut -c1-5)****"
has 'that answer has a type of its own' "$(tr -d '\r' <"$heads" | sed 's/$/|/')" 'Content-Type: application/json|'
api GET /setup-keys
ok 'nor in the list' "$(at "[k['key'] for k in d]")" "['$(echo "$plain" | cut -c1-5)****']"
api PUT "/setup-keys/$key" '{"revoked":false}'
says 'groups must be sent' 422 'setup key autogroups field is invalid'
api PUT "/setup-keys/$key" '{"revoked":false,"auto_groups":null}'
says 'null is not sent' 422 'setup key autogroups field is invalid'
api PUT /setup-keys/none '{"auto_groups":["none"]}'
says 'groups come before the key' 422 'invalid auto groups: group not found: none'
api PUT /setup-keys/none '{"auto_groups":[]}'
says 'then the key' 404 'setup key: none not found'
api PUT "/setup-keys/$key" "{\"auto_groups\":[\"$routers\"],\"name\":\"other\",\"type\":\"one-off\",\"usage_limit\":9,\"ephemeral\":true}"
ok 'all but two fields are dropped' "$status $(at "(d['name'], d['type'], d['usage_limit'], d['ephemeral'])")" "200 ('nas', 'reusable', 2, False)"
ok 'the key stays hidden' "$(at "d['key']")" "$(echo "$plain" | cut -c1-5)****"
ok 'and it was updated' "$(at "when(d['updated_at']) >= when(d['expires']) - 3600")" True

# --- Peers, by the agent ---

raw POST /lab/peers '{"setup_key":"nonsense","hostname":"a"}'
says 'a wrong key' 403 "couldn't add peer: setup key is invalid"
raw POST /lab/peers "{\"setup_key\":\"$plain\",\"hostname\":\"nas.lan\"}"
nas=$(at "d['id']")
ok 'the agent joins' "$status $(at "(d['name'], d['hostname'], d['dns_label'], d['connected'])")" "200 ('nas.lan', 'nas.lan', 'nas.netbird.selfhosted', True)"
ok 'with the groups of the key and All' "$(at "sorted(g['name'] for g in d['groups'])")" "['All', 'Routers']"
raw POST /lab/peers "{\"id\":\"$nas\",\"hostname\":\"nas.lan\"}"
ok 'and comes again without a key' "$status $(at "d['id']")" "200 $nas"
api GET "/setup-keys/$key"
ok 'the key counts' "$(at "(d['used_times'], d['last_used'][:4] > '2000', d['state'])")" "(1, True, 'valid')"
raw POST /lab/peers "{\"setup_key\":\"$plain\",\"hostname\":\"nas.lan\"}"
nas2=$(at "d['id']")
ok 'two of one name have two labels' "$(at "d['name'], d['dns_label'] != 'nas.netbird.selfhosted'")" "('nas.lan', True)"
raw POST /lab/peers "{\"setup_key\":\"$plain\",\"hostname\":\"third\"}"
says 'the limit' 403 "couldn't add peer: setup key is invalid"
api GET "/setup-keys/$key"
ok 'overused' "$(at "(d['state'], d['valid'], d['used_times'])")" "('overused', False, 2)"
api GET /peers
ok 'the list of peers' "$status $(at "sorted(p['name'] for p in d)") $(at "all('accessible_peers_count' in p for p in d)")" "200 ['nas.lan', 'nas.lan'] True"
api GET '/peers?name=AS.l'
ok 'a part of the name' "$(at "len(d)")" 2
api GET '/peers?name=nas%25x'
ok 'with the wildcards of SQL' "$(at "len(d)")" 0
api GET "/peers/$nas/accessible-peers"
ok 'whom a peer reaches' "$(at "[p['id'] for p in d]")" "['$nas2']"
api PUT "/peers/$nas2" '{"name":"renamed","ssh_enabled":true}'
ok 'a peer is renamed' "$status $(at "(d['name'], d['hostname'], d['dns_label'], d['ssh_enabled'])")" "200 ('renamed', 'nas.lan', 'renamed.netbird.selfhosted', True)"
api PUT "/peers/$nas2" '{"name":"renamed","login_expiration_enabled":true}'
ok 'logins of keys do not expire' "$status" 412
api GET "/groups/$routers"
ok 'the group has them' "$(at "(d['peers_count'], sorted(p['name'] for p in d['peers']))")" "(2, ['nas.lan', 'renamed'])"
api PUT "/groups/$routers" '{"name":"Routers"}'
ok 'a group written without peers has none' "$(at "d['peers']")" None
api PUT "/groups/$routers" "{\"name\":\"Routers\",\"peers\":[\"$nas\",\"gone\",\"$nas\"]}"
ok 'unknown peers are not told' "$(at "(d['peers_count'], d['peers'][0]['id'])")" "(1, '$nas')"
api GET /peers/none
says 'no such peer' 404 'peer not found: none'
api DELETE /peers/none
says 'in other words' 404 'peer none account not found'

api PUT "/setup-keys/$key" "{\"revoked\":true,\"auto_groups\":[\"$routers\"]}"
ok 'revoked' "$(at "(d['state'], d['revoked'])")" "('revoked', True)"
api PUT "/setup-keys/$key" "{\"auto_groups\":[\"$routers\"]}"
says 'once and for all' 422 "can't un-revoke a revoked setup key"
api DELETE "/groups/$routers"
says 'a revoked key pins its groups' 400 'group has been linked to setup key: nas'
raw POST /lab/clock '{"add_seconds":3700}'
api GET "/setup-keys/$key"
ok 'expired comes before revoked' "$(at "(d['state'], d['revoked'])")" "('expired', True)"
api PUT "/setup-keys/$key" '{"revoked":true,"auto_groups":[]}'
ok 'an expired key is updated' "$status $(at "d['auto_groups']")" '200 []'
api DELETE "/setup-keys/$key"
ok 'deleted' "$status $(cat "$body")" '200 {}'
api DELETE "/setup-keys/$key"
says 'twice is an error' 404 "setup key: $key not found"
make setup-keys '{"name":"for-ever","type":"one-off","usage_limit":1,"ephemeral":true}'
once=$(at "d['key']")
ok 'for ever is year 1' "$(at "(d['expires'], d['auto_groups'], d['usage_limit'])")" "('0001-01-01T00:00:00Z', [], 1)"
raw POST /lab/peers "{\"setup_key\":\"$(echo "$once" | tr '[:upper:]' '[:lower:]')\",\"hostname\":\"short\",\"connected\":false}"
short=$(at "d['id']")
ok 'an ephemeral peer' "$status $(at "(d['ephemeral'], d['connected'])")" '200 (True, False)'
api GET "/setup-keys/$id"
ok 'a key for one is overused at once' "$(at "d['state']")" overused
raw POST /lab/clock '{"add_seconds":601}'
api GET "/peers/$short"
ok 'an ephemeral peer that never connected stays' "$status" 200
raw POST /lab/peers "{\"id\":\"$short\",\"connected\":true}"
raw POST /lab/peers "{\"id\":\"$short\",\"connected\":false}"
raw POST /lab/clock '{"add_seconds":601}'
api GET "/peers/$short"
ok 'one that connected once goes by itself' "$status" 404
long='"name":"long","type":"reusable","auto_groups":[]'
make setup-keys "{$long,\"expires_in\":9223372036}"
ok 'the longest life ends after 2262' "$(at "(d['expires'] > '2318', d['state'])")" "(True, 'valid')"
api DELETE "/setup-keys/$id"
api POST /setup-keys "{$long,\"expires_in\":9223372037}"
says 'one second more wraps around' 422 'expiresin can not be in the past'
make setup-keys "{$long,\"expires_in\":18446744074}"
ok 'and comes out again' "$(at "d['expires'] < '2100'")" True
api DELETE "/setup-keys/$id"
api PUT "/peers/$nas" '{"ssh_enabled":true}'
says 'a peer needs its name' 500 'internal server error'
api GET "/peers/$nas"
ok 'with an address of version 6' "$(at "(d['name'] != '', ':' in d['ipv6'])")" '(True, True)'
api GET /posture-checks
ok 'no posture checks' "$status $(cat "$body")" '200 []'
api GET /posture-checks/none
says 'not one' 404 'posture checks: none not found'
api GET /accounts
ok 'the domain of the account' "$(at "[(a['domain'], a['settings']['lazy_connection_enabled'], 'network_range' in a['settings']) for a in d]")" \
    "[('netbird.selfhosted', True, True)]"

# --- Routes ---

rest="\"groups\":[\"$clients\"],\"metric\":9999"
route() {
    api POST /routes "{\"network_id\":\"lan\",$1}"
}
route "\"network\":\"10.0.0.0/8\",\"domains\":[\"a.b\"],\"peer\":\"$nas\",$rest"
says 'two targets' 422 "only one of 'network' or 'domains' should be provided"
route "\"peer\":\"$nas\",$rest"
says 'no target' 422 "either 'network' or 'domains' should be provided"
route "\"network\":\"10.0.0.0/8\",$rest"
says 'no router' 422 "either 'peer' or 'peer_groups' should be provided"
route "\"network\":\"10.0.0.0/8\",\"peer\":\"$nas\",\"peer_groups\":[],$rest"
says 'an empty list is there' 422 "only one of 'peer' or 'peer_groups' should be provided"
route "\"network\":\"10.0.0.1\",\"peer\":\"$nas\",$rest"
says 'an address is no network' 422 'invalid network 10.0.0.1'
route "\"domains\":[],\"peer\":\"$nas\",$rest"
says 'no domains' 422 'invalid domains: domains list is empty'
route "\"domains\":[\"-a.de\"],\"peer\":\"$nas\",$rest"
says 'no domain' 422 'invalid domains: invalid domain format: -a.de'
api POST /routes "{\"network_id\":\"$(at "!'x' * 41")\",\"network\":\"10.0.0.0/8\",\"peer\":\"$nas\",$rest}"
says 'a long identifier' 422 'identifier should be between 1 and 40 characters'
api POST /routes "{\"network_id\":\"$(at "!'ü' * 40")\",\"network\":\"10.0.0.0/8\",\"peer\":\"$nas\",\"groups\":[],\"metric\":1}"
says 'characters are counted, and groups are needed' 422 'the list of group ids should not be empty'
route "\"network\":\"10.0.0.0/8\",\"peer\":\"$nas\",\"groups\":[\"$clients\"]"
says 'a metric is needed' 422 'metric should be between 1 and 9999'
route "\"network\":\"10.0.0.0/8\",\"peer\":\"$nas\",\"groups\":[\"none\"],\"metric\":1"
says 'groups must be there' 422 'group id none not found'
route "\"network\":\"10.0.0.0/8\",\"peer_groups\":[\"\"],$rest"
says 'with a name' 422 'group id should not be empty string'
route "\"network\":\"10.0.0.0/8\",\"peer\":\"none\",$rest"
says 'peers must be there' 422 'peer with id none not found'
route "\"network\":\"10.1.2.3/24\",\"peer\":\"$nas\",\"id\":\"mine\",$rest"
lan=$(at "d['id']")
ok 'the network is masked' "$status $(at "(d['network'], d['network_type'], d['domains'], d['peer'])")" "200 ('10.1.2.0/24', 'IPv4', None, '$nas')"
ok 'what was not sent is off' "$(at "(d['enabled'], d['masquerade'], d['keep_route'], d['skip_auto_apply'], d['description'])")" "(False, False, False, False, '')"
ok 'empty lists are left out' "$(at "[k for k in ('peer_groups', 'access_control_groups') if k in d]")" '[]'
route "\"network\":\"10.1.2.0/24\",\"peer\":\"$nas\",$rest"
ok 'the same again is a silent duplicate' "$status $(at "d['network']")" '200 10.1.2.0/24'
api DELETE "/routes/$(at "d['id']")"
route "\"network\":\"10.1.2.0/24\",\"peer_groups\":[\"$routers\"],$rest"
ok 'a group of that peer is not noticed, either' "$status" 200
grouped=$(at "d['id']")
ok 'no peer is an empty text' "$(at "(d['peer'], d['peer_groups'])")" "('', ['$routers'])"
route "\"network\":\"10.1.2.99/24\",\"peer_groups\":[\"$routers\"],$rest"
says 'a group twice is' 409 'failed to add route with prefix 10.1.2.0/24 - peer group routers already has this route'
route "\"network\":\"10.1.2.0/24\",\"peer\":\"$nas\",$rest"
says 'and a peer of it' 409 "failed to add route with prefix 10.1.2.0/24 - peer $nas already has this route"
make groups "{\"name\":\"Others\",\"peers\":[\"$nas\"]}"
others=$id
route "\"network\":\"10.1.2.0/24\",\"peer_groups\":[\"$others\"],$rest"
says 'and a group that shares one' 409 'failed to add route with prefix 10.1.2.0/24 - peer nas.lan from the group others already has this route'
route "\"network\":\"10.0.0.0/8\",\"peer_groups\":[\"$routers\"],$rest"
ok 'a wider network is another' "$status" 200
api PUT "/routes/$lan" "{\"network_id\":\"lan\",\"network\":\"10.1.2.0/24\",\"peer\":\"$nas\",\"description\":\"new\",$rest}"
says 'so a description cannot be written any more' 409 "failed to add route with prefix 10.1.2.0/24 - peer $nas already has this route"
api DELETE "/groups/$routers"
has 'routes pin groups' "$status $(at "d['message']")" '400 group has been linked to route: lan'
route "\"network\":\"FD00:0:0::1/48\",\"peer\":\"\",$rest"
ok 'version 6 is made canonical, a route may have no router' "$status $(at "(d['network'], d['network_type'], d['peer'])")" "200 ('fd00::/48', 'IPv6', '')"
route "\"domains\":[\"*.Example.org\",\"b\\u00fccher.de\"],\"peer\":\"$nas\",\"keep_route\":true,$rest"
domain=$(at "d['id']")
ok 'domains' "$status $(at "(d['domains'], d['network'], d['network_type'])")" "200 (['*.example.org', 'bücher.de'], '192.0.2.0/32', 'Domain')"
route "\"domains\":[\"*.example.org\",\"xn--bcher-kva.de\"],\"peer_groups\":[\"$others\"],$rest"
ok 'are the same in Punycode' "$status $(at "d['domains'][1]")" '200 bücher.de'
route "\"domains\":[\"*.example.org\",\"xn--bcher-kva.de\"],\"peer_groups\":[\"$others\"],$rest"
says 'which an overlap shows' 409 'failed to add route with domains [*.example.org, bücher.de] - peer group others already has this route'
route "\"domains\":[\"b\\u00fccher.de\",\"*.example.org\"],\"peer_groups\":[\"$others\"],$rest"
ok 'in another order they are others' "$status" 200
api PUT /routes/none 'nonsense'
says 'the id comes before the body' 404 'route: none not found'
api PUT "/routes/$domain" "{\"network_id\":\"lan2\",\"network\":\"10.9.0.0/16\",\"peer_groups\":[\"$clients\"],$rest}"
ok 'all of a route can change' "$status $(at "(d['network_id'], d['network'], d['domains'], d['peer'], d['keep_route'], d['network_type'])")" \
    "200 ('lan2', '10.9.0.0/16', None, '', False, 'IPv4')"
api DELETE /routes/none
says 'delete what is not there' 404 'failed to delete route none: route: none not found'
api DELETE "/peers/$nas"
ok 'a peer goes' "$status" 200
api GET "/routes/$lan"
ok 'its routes stay' "$(at "d['peer']")" "$nas"
api DELETE "/routes/$grouped"
api PUT "/routes/$lan" "{\"network_id\":\"lan\",\"network\":\"10.1.2.0/24\",\"peer\":\"$nas\",$rest}"
says 'and cannot be written' 422 "peer with id $nas not found"
i=0
while [ $i -lt 12 ]; do
    api GET /routes
    at "[r['id'] for r in d]"
    i=$((i + 1))
done | sort -u >"$dir/orders"
ok 'lists come in changing orders' "$([ "$(wc -l <"$dir/orders")" -gt 1 ] && echo yes)" yes

# --- Users and tokens ---

api GET /users/current
owner=$(at "d['id']")
ok 'the owner' "$status $(at "(d['role'], d['is_current'], d['is_service_user'], d['permissions']['modules']['setup_keys']['create'])")" "200 ('owner', True, False, True)"
ok 'whose id is a small protobuf' "$(at "base64.b64decode(d['id'] + '==')[-7:]")" "b'\\x12\\x05local'"
api POST /users '{"is_service_user":true,"role":"king"}'
says 'an unknown role' 422 'unknown user role king'
api POST /users '{"is_service_user":true,"role":"OWNER","name":"hlrec"}'
says 'no service user owns' 422 "can't create a service user with owner role"
make users '{"is_service_user":true,"role":"Admin","name":"hlrec","auto_groups":["none"]}'
robot=$id
ok 'a service user' "$status $(at "(d['role'], d['auto_groups'], d['email'], d['last_login'], d['status'], len(d['id']))")" \
    "200 ('admin', ['none'], '', '0001-01-01T00:00:00Z', 'active', 36)"
api POST /users '{"role":"user","email":"p@netbird.test"}'
says 'a person needs a name' 422 "name can't be empty"
make users '{"role":"user","name":"P","email":"p@netbird.test"}'
person=$id
ok 'and gets a password' "$status $(at "(len(d['password']) >= 16, d['auto_groups'])")" '200 (True, [])'
api POST /users '{"role":"user","name":"P","email":"P@netbird.test"}'
says 'one for each mail' 409 "can't invite a user with an existing netbird account"
api GET '/users?service_user=true'
ok 'service users alone' "$(at "[u['name'] for u in d]")" "['hlrec']"
api GET '/users?service_user=maybe'
says 'or a wrong question' 422 'invalid service_user query parameter'
api PUT "/users/$robot" '{"role":"admin"}'
says 'groups must be sent for users' 400 "auto_groups field can't be absent"
api PUT "/users/$robot" '{"role":"network_admin","auto_groups":["none"]}'
says 'and be there' 422 "failed to process update for user $robot: provided group id none in the user $robot update doesn't exist"
api PUT "/users/$robot" "{\"role\":\"network_admin\",\"auto_groups\":[\"$others\"],\"name\":\"other\"}"
ok 'the name cannot be changed' "$status $(at "(d['name'], d['role'])")" "200 ('hlrec', 'network_admin')"
api PUT "/users/$owner" '{"role":"admin","auto_groups":[]}'
says 'nor the own role' 403 "failed to process update for user $(echo "$owner" | tr '[:upper:]' '[:lower:]'): admins can't change their role"
api DELETE "/users/$owner"
says 'nobody deletes himself' 422 'self deletion is not allowed'
api GET "/users/$robot/tokens"
ok 'no tokens are null' "$status $(cat "$body")" '200 null'
api POST "/users/$robot/tokens" '{"name":"","expires_in":1}'
says 'a token needs a name' 422 "token name can't be empty"
api POST "/users/$robot/tokens" '{"name":"ci","expires_in":366}'
says 'its days are counted' 422 'expiration has to be between 1 and 365'
api POST "/users/$person/tokens" '{"name":"ci","expires_in":30}'
says 'persons make their own' 403 'admin role required to perform this action'
api POST "/users/$robot/tokens" '{"name":"ci","expires_in":30}'
plain=$(at "d['plain_token']")
pat=$(at "d['personal_access_token']['id']")
ok 'a token with its checksum' "$status $(at "(len(d['plain_token']), d['plain_token'][:4], checksum(d['plain_token'][4:34]) == d['plain_token'][34:])")" "200 (40, 'nbp_', True)"
ok 'days, in the zone of the server' "$(at "(lambda t: (round((when(t['expiration_date']) - when(t['created_at'])) / 86400), t['created_at'][-6:], t['created_by'] == '$owner'))(d['personal_access_token'])")" \
    "(30, '+02:00', True)"
api GET "/users/$robot/tokens/$pat"
ok 'before its first use it has none' "$(at "(sorted(d), d['name'])")" "(['created_at', 'created_by', 'expiration_date', 'id', 'name'], 'ci')"
auth="Token $plain"
api GET /users/current
says 'a service user is nobody current, although its token is good' 403 'permission denied'
api GET /users
ok 'but finds itself' "$(at "[u['id'] for u in d if u['is_current']]")" "['$robot']"
api GET /setup-keys
ok 'it may read all' "$status" 200
api POST /setup-keys '{"name":"k","type":"reusable"}'
says 'a network_admin makes no keys' 403 'permission denied'
api POST /groups '{"name":"ofrobot"}'
ok 'but groups' "$status" 200
auth="Token $token"
api GET "/users/$robot/tokens"
ok 'the use shows, in UTC' "$(at "d[0]['last_used'][-1]")" Z
api DELETE "/groups/$others"
has 'routes come before users' "$(at "d['message']")" 'group has been linked to route'
raw POST /lab/clock '{"add_seconds":2592001}'
raw GET /api/groups '' -H "Authorization: Token $plain"
says 'an expired token' 401 'token invalid'
api PUT "/users/$person" '{"role":"user","auto_groups":[],"is_blocked":true}'
ok 'blocked' "$(at "(d['status'], d['is_blocked'])")" "('blocked', True)"
api POST "/users/$robot/tokens" '{"name":"next","expires_in":1}'
plain=$(at "d['plain_token']")
api PUT "/users/$robot" '{"role":"admin","auto_groups":[],"is_blocked":true}'
auth="Token $plain"
api GET /groups
says 'a blocked user' 403 'user is blocked'
api GET /routes
says 'in other words elsewhere' 403 'failed to validate user permissions: user is blocked'
auth="Token $token"
api DELETE "/users/$robot"
ok 'a user goes' "$status" 200
raw GET /api/groups '' -H "Authorization: Token $plain"
ok 'with its tokens' "$status $(at "d['message'][:20]")" '404 invalid token: pat: '

# --- Networks ---

make networks '{}'
home=$id
ok 'a network needs nothing' "$status $(at "(d['name'], d['routers'], d['resources'], d['policies'], d['routing_peers_count'])")" "200 ('', [], [], [], 0)"
api GET "/networks/$home"
ok 'nothing is null when asked for one' "$(at "(d['routers'], d['resources'], d['policies'])")" '(None, None, [])'
api PUT /networks/none '{"name":"x"}'
says 'no such network' 404 'failed to get network: network: none not found'
api POST "/networks/$home/resources" '{"name":"r","address":"not an address"}'
says 'a wrong address is a failure of the server' 500 'internal server error'
make "networks/$home/resources" "{\"name\":\"r\",\"address\":\"1.1.1.1\",\"groups\":[\"$clients\"]}"
resource=$id
ok 'a host' "$status $(at "(d['address'], d['type'], d['enabled'], d['groups'][0]['name'], d['groups'][0]['resources_count'])")" "200 ('1.1.1.1/32', 'host', False, 'Clients', 1)"
make networks '{"name":"office"}'
office=$id
api POST "/networks/$office/resources" '{"name":"r","address":"10.1.2.3/24"}'
says 'names are those of the account' 422 'failed to create network resource: resource with name r already exists'
api POST "/networks/$office/resources" '{"name":"s","address":"10.1.2.3/24"}'
ok 'bits of the host stay here' "$(at "(d['address'], d['type'], d['groups'])")" "('10.1.2.3/24', 'subnet', None)"
api POST "/networks/$office/resources" '{"name":"d","address":"*.Example.org","groups":["none"]}'
says 'groups of resources' 404 'failed to create network resource: failed to add resource to group: error adding resource to group: group: none not found'
api POST "/networks/$office/resources" '{"name":"d","address":"*.Example.org"}'
ok 'a domain is kept as typed' "$(at "(d['address'], d['type'])")" "('*.Example.org', 'domain')"
api GET "/networks/$office/resources/$resource"
says 'of another network' 500 'internal server error'
api GET /networks/none/resources
ok 'no resources are null' "$status $(cat "$body")" '200 null'
api GET /networks/resources
ok 'all of them' "$(at "sorted(r['name'] for r in d)")" "['d', 'r', 's']"
api DELETE "/groups/$clients"
says 'resources pin their groups first' 400 "group has been linked to network resource: $resource"
api POST "/networks/$home/routers" "{\"peer\":\"$nas2\",\"peer_groups\":[\"$clients\"],\"metric\":1}"
says 'one or the other' 400 'peer and peer_groups cannot be set at the same time'
api POST "/networks/$home/routers" '{"metric":1}'
says 'but one' 400 'either peer or peer_groups must be provided'
make "networks/$home/routers" "{\"peer\":\"$nas2\",\"metric\":0,\"enabled\":false}"
router=$id
ok 'a new router is on' "$status $(at "(d['enabled'], d['peer_groups'], d['metric'])")" '200 (True, None, 0)'
api PUT "/networks/$home/routers/$router" "{\"peer_groups\":[\"$routers\"],\"metric\":5,\"enabled\":false}"
ok 'until it is changed' "$(at "(d['enabled'], d['peer'], d['peer_groups'])")" "(False, '', ['$routers'])"
api PUT "/networks/$home/routers/none" "{\"peer\":\"$nas2\"}"
says 'no such router' 404 'failed to get network router: network router: none not found'
api PUT "/networks/$office/routers/$router" "{\"peer\":\"$nas2\"}"
says 'of another network' 400 "router $router is not part of the network $office"
api PUT "/networks/$home/routers/$router" "{\"peer\":\"$nas2\"}"
api DELETE "/peers/$nas2"
says 'a peer that routes stays' 412 "peer is linked to a network router: $router"
api GET "/networks/$home"
ok 'a network shows what is in it' "$(at "(d['routers'], d['resources'], d['routing_peers_count'])")" "(['$router'], ['$resource'], 1)"

# --- Policies ---

api GET /policies
ok 'a new account has one policy' "$(at "[(p['name'], p['rules'][0]['id'] == p['id'], p['rules'][0]['sources'][0]['name'], p['source_posture_checks']) for p in d]")" "[('Default', True, 'All', None)]"
policy() {
    api POST /policies "{\"name\":\"web\",\"enabled\":true,\"rules\":[{\"name\":\"web\",\"enabled\":true,$1}]}"
}
api POST /policies '{"name":"web","rules":[]}'
says 'a policy needs rules' 422 "policy rules shouldn't be empty"
policy "\"action\":\"accept\",\"protocol\":\"tcp\",\"sources\":[\"$all\"]"
says 'with both ends' 422 'specify either sources or source resources and destinations or destination resources'
policy "\"action\":\"allow\",\"protocol\":\"tcp\",\"sources\":[\"$all\"],\"destinations\":[]"
says 'an action' 422 'unknown action type'
policy "\"action\":\"accept\",\"protocol\":\"http\",\"sources\":[\"$all\"],\"destinations\":[]"
says 'a protocol' 422 'unknown protocol type: http'
policy "\"action\":\"accept\",\"protocol\":\"tcp\",\"ports\":[\"0\"],\"sources\":[\"$all\"],\"destinations\":[]"
says 'valid ports' 422 'valid port value is in 1..65535 range'
policy "\"action\":\"accept\",\"protocol\":\"icmp\",\"ports\":[\"1\"],\"sources\":[\"$all\"],\"destinations\":[]"
says 'where there are ports' 422 'for all or icmp protocol ports is not allowed'
policy "\"action\":\"accept\",\"protocol\":\"tcp\",\"ports\":[\"80\"],\"sources\":[\"$all\",\"none\"],\"destinations\":[\"$clients\"]"
web=$(at "d['id']")
ok 'unknown groups vanish' "$status $(at "([g['name'] for g in d['rules'][0]['sources']], d['rules'][0]['ports'], d['rules'][0]['destinations'][0]['resources_count'])")" "200 (['All'], ['80'], 1)"
policy "\"action\":\"accept\",\"protocol\":\"tcp\",\"sources\":[\"none\"],\"destinationResource\":{\"id\":\"$nas2\",\"type\":\"peer\"}"
ok 'even all' "$(at "(d['rules'][0]['sources'], d['rules'][0]['destinationResource']['type'])")" "(None, 'peer')"
api PUT "/policies/$web" "{\"name\":\"web\",\"rules\":[{\"id\":\"none\",\"action\":\"drop\",\"protocol\":\"all\",\"sources\":[],\"destinations\":[]}]}"
says 'a rule of another policy' 422 'invalid rule id: none'
api GET "/networks/$home"
ok 'the network shows who lets traffic in' "$(at "d['policies']")" "['$web']"
api DELETE "/networks/$home"
ok 'a network goes' "$status" 200
api GET /networks/routers
ok 'with its routers' "$(cat "$body")" '[]'
api GET "/groups/$clients"
ok 'and its resources leave their groups' "$(at "d['resources']")" None
api DELETE "/peers/$nas2"
api GET /policies
ok 'a peer takes its policies along' "$(at "sorted(p['name'] for p in d)")" "['Default', 'web']"
api DELETE "/policies/$web"
api DELETE "/policies/$web"
says 'twice' 404 "policy: $web not found"

# --- DNS ---

api POST /dns/nameservers '{"name":"ns","nameservers":[{"ip":"x","ns_type":"udp","port":53}]}'
says 'a wrong server' 422 'invalid ns servers format'
ns="\"nameservers\":[{\"ip\":\"[2001:DB8::1]\",\"ns_type\":\"udp\",\"port\":53}],\"groups\":[\"$all\"]"
api POST /dns/nameservers "{\"name\":\"ns\",$ns}"
says 'not primary, no domain' 422 'nameserver group primary status is false and domains are empty, it should be primary or have at least one domain'
api POST /dns/nameservers "{\"name\":\"ns\",$ns,\"domains\":[\"*.a.de\"]}"
says 'no wildcards' 422 'nameserver group got an invalid domain: *.a.de "wildcards not allowed"'
make dns/nameservers "{\"name\":\"ns\",$ns,\"domains\":[\"Example.org.\"]}"
ok 'the brackets go, the domain stays' "$status $(at "(d['nameservers'][0]['ip'], d['domains'], d['enabled'])")" "200 ('2001:db8::1', ['Example.org.'], False)"
api POST /dns/nameservers "{\"name\":\"ns\",$ns,\"primary\":true}"
says 'the name is taken' 422 'nameserver group with name ns already exist'
api PUT /dns/settings "{\"disabled_management_groups\":[\"$routers\"]}"
ok 'settings' "$status $(at "d['disabled_management_groups']")" "200 ['$routers']"
api GET /routes
for route in $(at "' '.join(r['id'] for r in d)"); do
    api DELETE "/routes/$route"
done
api DELETE "/groups/$routers"
says 'pin groups as well, in both cases' 400 'group has been linked to disabled DNS management groups: Routers'
api PUT /dns/settings '{}'
ok 'settings without groups' "$status $(at "d['disabled_management_groups']")" '200 None'
api DELETE "/groups/$routers"
ok 'a free group goes' "$status $(cat "$body")" '200 {}'
make dns/zones "{\"name\":\"z\",\"domain\":\"home.lan\",\"distribution_groups\":[\"$all\"]}"
ok 'a zone' "$status $(at "(d['enabled'], d['records'])")" '200 (True, [])'
api POST "/dns/zones/$id/records" '{"name":"nas.home.lan","type":"A","content":"10.0.0.1","ttl":300}'
ok 'with a record' "$status $(at "d['type']")" '200 A'
api POST "/dns/zones/$id/records" '{"name":"nas.home.lan","type":"A","content":"10.0.0.1"}'
says 'twice is one too many' 409 'identical record already exists'

# --- Identity providers ---

# provider JSON: leaves $id
provider() {
    api POST /identity-providers "{$1}"
    id=$(at "d['id']")
}
issuer='"issuer":"https://auth.example.org/application/o/netbird/"'
api GET /identity-providers
ok 'people with a password are no provider' "$status $(cat "$body")" '200 []'
provider ''
says 'a provider needs a name' 422 'identity provider name is required'
provider '"name":"x"'
says 'and a type' 422 'identity provider type is required'
provider '"name":"x","type":"OIDC"'
says 'that has a case' 422 'unsupported identity provider type'
provider '"name":"x","type":"oidc"'
says 'and an issuer' 422 'identity provider issuer is required'
for wrong in auth.example.org https:auth.example.org https:// 'https://auth example/'; do
    provider "\"name\":\"x\",\"type\":\"oidc\",\"issuer\":\"$wrong\""
    says "which '$wrong' is not" 422 'identity provider issuer must be a valid url'
done
provider "\"name\":\"x\",\"type\":\"oidc\",$issuer"
says 'and a client' 422 'identity provider client id is required'
provider '"name":"x","type":"oidc","client_id":"c","issuer":"https://Unreachable.test/A/"'
ok 'hosts have a case here' "$status" 200
api DELETE "/identity-providers/$id"
provider '"name":"x","type":"oidc","client_id":"c","issuer":"https://unreachable.test:8443/A/"'
says 'the issuer is asked' 422 \
    'identity provider issuer is unreachable: get "https://unreachable.test:8443/a/.well-known/openid-configuration": dial tcp: lookup unreachable.test on 127.0.0.11:53: no such host'
provider "\"name\":\"Authentik\",\"type\":\"authentik\",\"client_id\":\"c\",\"client_secret\":\"hidden-here\",$issuer"
authentik=$id
ok 'its secret is not told' "$status $(at "sorted(d)")" "200 ['client_id', 'id', 'issuer', 'name', 'type']"
ok 'its id tells the product' "$(at "d['id'][:10], len(d['id']), d['type']")" "('authentik-', 30, 'authentik')"
provider "\"name\":\"Authentik\",\"type\":\"oidc\",\"client_id\":\"c\",$issuer"
ok 'but that of any other' "$status $(at "len(d['id']), d['type']")" "200 (20, 'oidc')"
api DELETE "/identity-providers/$id"
ok 'names need not be unique' "$status $(cat "$body")" '200 {}'
api PUT "/identity-providers/$authentik" "{\"name\":\"A\",\"type\":\"authentik\",\"client_id\":\"c2\",$issuer}"
ok 'a change' "$status $(at "(d['name'], d['client_id'], d['id'] == '$authentik')")" "200 ('A', 'c2', True)"
api PUT "/identity-providers/$authentik" '{"name":"A","type":"authentik","client_id":"c2"}'
says 'is a whole one' 422 'identity provider issuer is required'
api PUT "/identity-providers/$authentik" "{\"name\":\"A\",\"type\":\"oidc\",\"client_id\":\"c2\",$issuer}"
says 'the type stays' 500 'failed to update identity provider: failed to update connector: connector type change not allowed'
api PUT /identity-providers/none '{"name":"A","type":"google","client_id":"c"}'
says 'no such provider is 500' 500 'failed to update identity provider: failed to update connector: not found'
api GET /identity-providers/none
says 'or 404' 404 'identity provider not found'
api DELETE /identity-providers/none
says 'as it comes' 404 'identity provider not found'
api GET /identity-providers/local
ok 'people with a password are one after all' "$status $(at "(d['type'], d['name'])")" "200 ('local', 'Email')"
api DELETE /identity-providers/local
says 'for ever' 500 'failed to delete identity provider: cannot delete the local password connector'
provider "\"name\":\"g\",\"type\":\"google\",\"client_id\":\"c\",$issuer"
ok 'the answer tells an issuer' "$status $(at "d['issuer']")" '200 https://auth.example.org/application/o/netbird/'
api GET "/identity-providers/$id"
ok 'that is not kept' "$(at "d['issuer']")" ''
api PUT "/identity-providers/$id" "{\"name\":\"g\",\"type\":\"google\",\"client_id\":\"c\",$issuer}"
api PUT "/identity-providers/$id" '{"name":"g","type":"google","client_id":"c"}'
ok 'until it is changed' "$(at "d['issuer']")" ''
api GET "/identity-providers/$id"
ok 'then it stays' "$(at "d['issuer']")" 'https://auth.example.org/application/o/netbird/'
api GET /identity-providers
ok 'the list' "$status $(at "sorted((p['name'], p['type']) for p in d)")" "200 [('A', 'authentik'), ('g', 'google')]"
api PUT /identity-providers '{}'
ok 'no such verb' "$status $(cat "$body")" '404 404 page not found'

# --- Tokens of reverse proxies ---

proxies=/reverse-proxies/proxy-tokens
api GET $proxies
ok 'no token' "$status $(cat "$body")" '200 []'
api POST $proxies '{}'
says 'a proxy token needs a name' 400 'name is required and must be at most 255 characters'
api POST $proxies "{\"name\":\"$(printf '%0256d' 0)\"}"
says 'not too long' 400 'name is required and must be at most 255 characters'
api POST $proxies '{"name":"p","expires_in":-1}'
says 'it does not expire in the past' 400 'expires_in must be non-negative'
api POST $proxies '{"name":"p","expires_in":1.5}'
says 'in whole seconds' 400 "couldn't parse JSON request"
make "${proxies#/}" '{"name":"p","expires_in":3600}'
proxy=$id
plain=$(at "d['plain_token']")
ok 'made' "$status $(at "sorted(d)")" "200 ['created_at', 'expires_at', 'id', 'name', 'plain_token', 'revoked']"
ok 'the token is told' "$(at "len(d['plain_token']), d['plain_token'][:4]")" "(40, 'nbx_')"
ok 'with its checksum' "$(at "checksum(d['plain_token'][4:34]) == d['plain_token'][34:]")" True
ok 'in UTC, for an hour' "$(at "d['created_at'][-1], round(when(d['expires_at']) - when(d['created_at']))")" "('Z', 3600)"
api POST $proxies '{"name":"p"}'
ok 'one for ever, of the same name' "$status $(at "sorted(d)")" "200 ['created_at', 'id', 'name', 'plain_token', 'revoked']"
api POST $proxies '{"name":"long","expires_in":9223372037}'
ok 'too long a time is for ever' "$status $(at "'expires_at' in d")" '200 False'
api GET $proxies
ok 'it is not told again' "$status $(at "sorted((t['name'], 'expires_at' in t, 'plain_token' in t) for t in d)")" \
    "200 [('long', False, False), ('p', False, False), ('p', True, False)]"
api GET "$proxies/$proxy"
ok 'nobody gets one token' "$status $(cat "$body")" '404 404 page not found'
api DELETE $proxies/none
says 'no such token' 404 'token not found'
api DELETE "$proxies/$proxy"
ok 'revoked' "$status $(cat "$body")" '200 {}'
api DELETE "$proxies/$proxy"
ok 'and again' "$status $(cat "$body")" '200 {}'
api GET $proxies
ok 'it stays in the list' "$(at "[t['revoked'] for t in d if t['id'] == '$proxy'], len(d)")" '([True], 3)'
raw GET /api$proxies '' -H "Authorization: Token $plain"
says 'it opens nothing here' 401 'token invalid'

# as ROLE NAME: a service user and its token, for the next calls
as() {
    auth="Token $token"
    make users "{\"is_service_user\":true,\"role\":\"$1\",\"name\":\"$2\",\"auto_groups\":[]}"
    api POST "/users/$id/tokens" "{\"name\":\"$2\",\"expires_in\":1}"
    auth="Token $(at "d['plain_token']")"
}
as network_admin someone
api GET $proxies
ok 'a service user reads them' "$status" 200
api POST $proxies 'x'
says 'but who may not is told so before anything' 403 'permission denied'
api POST /identity-providers 'x'
says 'not so with providers' 400 "couldn't parse JSON request"
api POST /identity-providers '{}'
says 'where the body comes first' 403 'permission denied'
as billing_admin nobody
api DELETE "$proxies/none"
says 'a role that nobody knows' 500 'failed to validate permissions'
api DELETE /identity-providers/none
says 'is told in other words' 403 'failed to validate user permissions: user role: billing_admin not found'
auth="Token $token"

# --- What somebody does behind the back of the program ---

behind() {
    raw POST /lab/netbird "$1"
}
make groups '{"name":"pinned"}'
make setup-keys "{\"name\":\"twice\",\"type\":\"reusable\",\"auto_groups\":[\"$id\"]}"
make setup-keys '{"name":"twice","type":"reusable"}'
behind '{"revoke":"setup-keys","name":"twice"}'
ok 'both are revoked' "$status $(cat "$body")" '200 {"count":2}'
api GET /setup-keys
ok 'and stay' "$(at "[(k['revoked'], k['state']) for k in d if k['name'] == 'twice']")" "[(True, 'revoked'), (True, 'revoked')]"
behind '{"revoke":"setup-keys","name":"twice"}'
says 'once' 404 'setup-keys: twice not found'
behind '{"delete":"groups","name":"pinned"}'
says 'what the server refuses is refused' 400 'group has been linked to setup key: twice'
api GET '/groups?name=pinned'
ok 'and is there' "$status" 200
make groups '{"name":"free"}'
behind '{"delete":"groups","name":"free"}'
ok 'what it does not is gone' "$status $(cat "$body")" '200 {"count":1}'
api GET "/groups/$id"
says 'really' 404 "group: $id not found"
make routes "{\"network_id\":\"behind\",\"network\":\"10.99.0.0/16\",\"peer_groups\":[\"$all\"],\"groups\":[\"$all\"],\"metric\":9999,\"enabled\":true}"
behind '{"edit":"routes","name":"behind","set":{"metric":7,"enabled":false}}'
ok 'a change' "$status $(cat "$body")" '200 {"count":1}'
api GET "/routes/$id"
ok 'of these members alone' "$(at "(d['metric'], d['enabled'], d['network'])")" "(7, False, '10.99.0.0/16')"
behind '{"edit":"routes","name":"behind","set":{"metrik":7}}'
says 'no such member' 422 "routes have no member 'metrik' of this type"
behind '{"edit":"routes","name":"behind","set":{"metric":"7"}}'
says 'of another type' 422 "routes have no member 'metric' of this type"
behind '{"edit":"routes","name":"behind","set":{"id":"x"}}'
says 'ids stay' 422 "routes have no member 'id' of this type"
behind '{"delete":"routes","name":"behind"}'
ok 'by its network' "$status $(cat "$body")" '200 {"count":1}'
behind '{"delete":"routes","name":"behind"}'
says 'gone' 404 'routes: behind not found'
make networks '{"name":"lan"}'
lan=$id
api POST "/networks/$lan/resources" '{"name":"nas","address":"10.98.0.1","enabled":true}'
behind '{"delete":"resources","name":"nas"}'
ok 'what is in a network' "$status $(cat "$body")" '200 {"count":1}'
api GET "/networks/$lan/resources"
ok 'is found there' "$status $(cat "$body")" '200 null'
make users '{"is_service_user":true,"role":"user","name":"robot","auto_groups":[]}'
api POST "/users/$id/tokens" '{"name":"its","expires_in":1}'
behind '{"delete":"tokens","name":"its"}'
ok 'the token of a user' "$status $(cat "$body")" '200 {"count":1}'
behind '{"revoke":"tokens","name":"lab"}'
says 'that are not revoked' 422 'tokens cannot be revoked'
behind '{"edit":"users","name":"robot","set":{"blocked":true}}'
api GET /users
ok 'a user is blocked' "$status $(at "[u['is_blocked'] for u in d if u['name'] == 'robot']")" '200 [True]'
for kind in users:robot networks:lan setup-keys:none identity-providers:A policies:Default; do
    behind "{\"delete\":\"${kind%:*}\",\"name\":\"${kind#*:}\"}"
    ok "one of ${kind%:*}" "$status" "$([ "${kind#*:}" = none ] && echo 404 || echo 200)"
done
behind '{"revoke":"proxy-tokens","name":"p"}'
ok 'of two of one name the one that is left' "$status $(cat "$body")" '200 {"count":1}'
behind '{"delete":"nonsense","name":"x"}'
says 'nothing of this kind' 422 'one of delete, revoke and edit must name a collection'
behind '{"name":"x"}'
says 'nothing to do' 422 'one of delete, revoke and edit must name a collection'
behind '{"delete":"setup-keys","name":""}'
says 'nobody' 404 'setup-keys:  not found'
behind 'x'
says 'no JSON' 400 "couldn't parse JSON request"

# --- Switches ---

raw POST /lab/html '{"count":1}'
api GET /groups
has 'a proxy in front' "$status $(cat "$heads")" 'text/html'
api GET /groups
ok 'for a while' "$status" 200
raw POST /lab/rate-limit '{"burst":2}'
api GET /groups
api GET /groups
api GET /groups
says 'over the rate' 429 'too many requests'
ok 'without a word when to come again' "$(grep -ci '^retry-after' "$heads")" 0
api GET /groups '' -A 'my-Terraform/1'
ok 'some are let through' "$status" 200
raw POST /lab/clock '{"add_seconds":10}'
api GET /groups
ok 'one more in ten seconds' "$status" 200

start faulty --fault 'POST /api/groups 1 after-reset' --fault 'GET /api/groups 2 429' --fault 'GET /api/groups 3 truncate'
api POST /groups '{"name":"lost"}'
ok 'an answer that is lost' "$status" 000
api POST /groups '{"name":"lost"}'
says 'to a call that was heeded' 409 'group with name lost already exists'
api GET /groups
ok 'a call comes through' "$status $(at "sorted(g['name'] for g in d)")" "200 ['All', 'lost']"
api GET /groups
ok 'one too many' "$status" 429
api GET /groups
ok 'half an answer' "$status $(at "'error' if d else ''" | cut -c1-4)" '200 JSON'

# --- Options ---

"$lab" --dir "$dir/x" --only nothing 2>"$dir/err"
has 'an API that is not there' "$? $(cat "$dir/err")" "3 hlrec-lab: no such API: 'nothing'"
"$lab" --dir "$dir/x" --listen 127.0.0.1:0 2>"$dir/err"
has 'one address for many APIs' "$? $(cat "$dir/err")" "3 hlrec-lab: needs --only: '--listen'"
"$lab" --dir "$dir/x" --only netbird --listen 127.0.0.1 2>"$dir/err"
has 'an address without a port' "$? $(cat "$dir/err")" "1 hlrec-lab: cannot serve in '$dir/x': Invalid argument"
"$lab" --dir "$dir/x" --netbird v0.66 2>"$dir/err"
has 'a version that is none' "$? $(cat "$dir/err")" "3 hlrec-lab: not a version: 'v0.66'"
mkdir "$dir/broken"
echo '{"users"' >"$dir/broken/netbird.json"
"$lab" --dir "$dir/x" --only netbird --data "$dir/broken" 2>"$dir/err"
has 'what was kept cannot be read' "$? $(cat "$dir/err")" "1 hlrec-lab: cannot read '$dir/broken/netbird.json'"
ok 'and is left as it was' "$(cat "$dir/broken/netbird.json")" '{"users"'
start open --listen 0.0.0.0:0
ok 'an open address is told as one that can be reached' "${url%:*} $(ls "$dir/open")" 'http://127.0.0.1 lab.env'
port=${url##*:}
pid=${labs##* }
kill "$pid"
wait "$pid"
labs=${labs% *}
start open --listen "127.0.0.1:$port"
ok 'the same port again' "$url" "http://127.0.0.1:$port"

# --- Set-up with a token in one call ---

unset HLREC_LAB_NETBIRD_TOKEN
start fresh --netbird 0.70.5
raw GET /api/instance
ok 'a fresh server' "$(cat "$body")" '{"setup_required":true}'
setup='"email":"a@netbird.test","password":"long enough","name":"Admin"'
raw POST /api/setup '{"email":"a@netbird.test","password":"short","name":"A"}'
says 'a short password' 422 'password must be at least 8 characters'
raw POST /api/setup '{"email":"nobody","password":"long enough","name":"A"}'
says 'no mail' 422 'invalid email format'
raw POST /api/setup 'x'
says 'no body' 400 'invalid request body'
raw POST /api/setup "{$setup,\"create_pat\":true,\"pat_expire_in\":0}"
says 'too few days' 422 'pat_expire_in must be between 1 and 365'
raw POST /api/setup "{$setup,\"create_pat\":true}"
auth="Token $(at "d['personal_access_token']")"
ok 'a token at once' "$status $(at "sorted(d)")" "200 ['email', 'personal_access_token', 'user_id']"
raw POST /api/setup "{$setup}"
says 'once' 412 'setup already completed'
api GET /users/current
ok 'of the owner' "$(at "(d['role'], d['name'])")" "('owner', 'Admin')"
me=$(at "d['id']")
api GET "/users/$me/tokens"
ok 'for a day' "$(at "[(t['name'], round((when(t['expiration_date']) - when(t['created_at'])) / 3600)) for t in d]")" "[('setup-token', 24)]"
make networks '{"name":"n"}'
api PUT "/networks/$id/routers/d1router000000000000" '{"peer_groups":["x"],"metric":1}'
ok 'before 0.71.3 an unknown router is made' "$status $(at "d['id']")" '200 d1router000000000000'

HLREC_LAB_NETBIRD_PAT=off
export HLREC_LAB_NETBIRD_PAT
start off
unset HLREC_LAB_NETBIRD_PAT
raw POST /api/setup "{$setup,\"create_pat\":true}"
ok 'without NB_SETUP_PAT_ENABLED the wish is ignored' "$status $(at "sorted(d)")" "200 ['email', 'user_id']"

# --- Set-up by signing in, with what v0.66 has; kept between two runs ---

start old --netbird 0.66.0 --data "$dir/kept"
raw POST /api/setup "{$setup,\"create_pat\":true}"
ok 'v0.66 knows no token at set-up' "$status $(at "sorted(d)")" "200 ['email', 'user_id']"
raw GET /api/instance
ok 'it is set up' "$(cat "$body")" '{"setup_required":false}'
verifier=abcdefghijklmnopqrstuvwxyz0123456789abcdefghijkl
challenge=$(at "!base64.urlsafe_b64encode(hashlib.sha256(b'$verifier').digest()).decode().rstrip('=')")
flow="redirect_uri=http%3A%2F%2Flocalhost%3A53000%2F&response_type=code&scope=openid+profile+email&state=S%20S&code_challenge=$challenge&code_challenge_method=S256"
location() {
    sed -n 's/^Location: //p' "$heads" | tr -d '\r'
}
raw GET "/oauth2/auth/local?client_id=nobody&$flow"
ok 'an unknown client' "$status" 404
raw GET "/oauth2/auth/local?client_id=netbird-cli&redirect_uri=http%3A%2F%2Fevil%2F&response_type=code&scope=openid"
ok 'an unknown way back' "$status" 400
raw GET "/oauth2/auth?client_id=netbird-cli&$flow"
has 'there is one way to sign in' "$status $(location)" '302 /oauth2/auth/local?client_id=netbird-cli&'
raw GET "$(location)"
has 'by a form' "$status $(location)" '302 /oauth2/auth/local/login?back=&state='
form=$(location)
raw GET "$form"
has 'in HTML' "$status $(cat "$body")" '<form method="post"'
raw POST "$form" '' --data-urlencode 'login=a@netbird.test' --data-urlencode 'password=wrong'
has 'wrong password' "$status $(cat "$body")" '401 <!DOCTYPE html>'
raw POST "$form" '' --data-urlencode 'login=A@netbird.test' --data-urlencode 'password=long enough'
has 'signed in' "$status $(location)" '303 http://localhost:53000/?code='
code=$(location | sed 's/.*code=\([^&]*\).*/\1/')
has 'with the state' "$(location)" '&state=S+S'
raw POST "$form" '' --data-urlencode 'login=a@netbird.test' --data-urlencode 'password=long enough'
ok 'a form is good for once' "$status" 400
exchange() {
    raw POST /oauth2/token '' -d grant_type=authorization_code -d "code=$code" -d redirect_uri=http://localhost:53000/ -d client_id=netbird-cli "$@"
}
exchange -d code_verifier=wrong
ok 'PKCE is checked' "$status $(at "d['error'] + ': ' + d['error_description']")" '400 invalid_grant: Invalid code_verifier.'
exchange
ok 'and needed' "$status $(at "d['error']")" '400 invalid_grant'
raw POST /oauth2/token '' -d grant_type=password -d client_id=netbird-cli
ok 'no password grant' "$status $(at "d['error']")" '400 unsupported_grant_type'
exchange -d "code_verifier=$verifier"
signed=$(at "d['id_token']")
ok 'tokens' "$status $(at "(d['token_type'], d['id_token'].count('.'), d['access_token'].count('.'))")" "200 ('bearer', 2, 2)"
ok 'with claims' "$(at "sorted(k for k in json.loads(base64.urlsafe_b64decode(d['id_token'].split('.')[1] + '==')) if k in ('aud', 'email', 'exp', 'sub'))")" \
    "['aud', 'email', 'exp', 'sub']"
exchange -d "code_verifier=$verifier"
ok 'a code is good for once' "$status $(at "d['error']")" '400 invalid_grant'
auth="Bearer $signed"
api GET /users/current
ok 'the first call makes the account' "$status $(at "(d['role'], d['email'])")" "200 ('owner', 'a@netbird.test')"
api GET /groups
ok 'with All' "$(at "[g['name'] for g in d]")" "['All']"
all=$(at "d[0]['id']")
make users '{"is_service_user":true,"role":"admin","name":"hlrec","auto_groups":[]}'
api POST "/users/$id/tokens" '{"name":"ci","expires_in":30}'
auth="Token $(at "d['plain_token']")"
api POST /setup-keys '{"name":"k","type":"one-off","usage_limit":5}'
ok 'v0.66 makes one of five without a word' "$status $(at "d['usage_limit']")" '200 1'
kept=$(at "d['id']")
plain=$(at "d['key']")
raw GET /api/reverse-proxies/proxy-tokens
ok 'it has no proxy tokens, and asks nobody who he is' "$status $(cat "$body")" '404 404 page not found'
api POST /reverse-proxies/proxy-tokens '{"name":"p"}'
ok 'nor makes one' "$status $(cat "$body")" '404 404 page not found'
provider "\"name\":\"x\",\"type\":\"adfs\",\"client_id\":\"c\",$issuer"
says 'nor knows this product' 422 'unsupported identity provider type'
provider "\"name\":\"x\",\"type\":\"okta\",\"client_id\":\"c\",\"client_secret\":\"hidden-here\",$issuer"
kept_provider=$id
api PUT "/identity-providers/$id" "{\"name\":\"x\",\"type\":\"oidc\",\"client_id\":\"c\",$issuer}"
ok 'it says that it changes the type' "$status $(at "d['type']")" '200 oidc'
api GET "/identity-providers/$id"
ok 'and does not' "$status $(at "d['type']")" '200 okta'
make networks '{"name":"n"}'
api POST "/networks/$id/routers" '{"metric":0}'
ok 'and a router of nobody' "$status $(at "(d['peer'], d['peer_groups'], d['enabled'])")" "200 ('', None, True)"
api POST /dns/nameservers "{\"name\":\"ns\",\"nameservers\":[{\"ip\":\"2001:db8::1\",\"ns_type\":\"udp\",\"port\":53}],\"groups\":[\"$all\"],\"primary\":true}"
ok 'an address of version 6 without brackets' "$status $(at "d['nameservers'][0]['ip']")" '200 2001:db8::1'
two='"enabled":true,"action":"accept","protocol":"tcp"'
make policies "{\"name\":\"two\",\"enabled\":true,\"rules\":[{$two,\"name\":\"a\",\"ports\":[\"1\"],\"sources\":[\"$all\"],\"destinations\":[\"$all\"]},\
{$two,\"name\":\"b\",\"ports\":[\"2\"],\"sources\":[\"$all\"],\"destinations\":[\"$all\"]}]}"
ok 'the answer tells both rules' "$(at "[r['name'] for r in d['rules']]")" "['a', 'b']"
api GET "/policies/$id"
ok 'the first is kept' "$(at "[r['name'] for r in d['rules']]")" "['a']"
api DELETE /networks/none/resources/none
says 'a resource that is not there' 404 \
    'failed to delete network resource: failed to delete resource: failed to get network resource: network resource: none not found'
api GET /accounts
ok 'the domain is the host of the server' "$(at "[(a['domain'], a['settings']['lazy_connection_enabled'], 'network_range' in a['settings']) for a in d]")" \
    "[('netbird.test', False, False)]"
raw POST /lab/clock '{"add_seconds":86401}'
raw GET /api/groups '' -H "Authorization: Bearer $signed"
says 'a signed token is good for a day' 401 'token invalid'

pid=${labs##* }
kill "$pid"
wait "$pid"
labs=${labs% *}
start old --netbird 0.66.0 --data "$dir/kept"
api GET /setup-keys
ok 'what is there outlives the lab' "$status $(at "[(k['id'], k['state']) for k in d]")" "200 [('$kept', 'valid')]"
raw POST /lab/peers "{\"setup_key\":\"$plain\",\"hostname\":\"h\"}"
ok 'also keys and groups' "$status $(at "[g['name'] for g in d['groups']]")" "200 ['All']"
raw DELETE "/lab/peers/$(at "d['id']")"
api GET /peers
ok 'and an agent that leaves' "$status $(cat "$body")" '200 []'
ok 'no secret is kept' "$(grep -c "$plain" "$dir/kept/netbird.json")" 0
api GET /identity-providers
ok 'providers are' "$status $(at "[p['id'] for p in d]")" "200 ['$kept_provider']"
ok 'their secrets as hashes' "$(grep -c hidden-here "$dir/kept/netbird.json") $(grep -c "$(at "!base64.b64encode(hashlib.sha256(b'hidden-here').digest()).decode()")" "$dir/kept/netbird.json")" '0 1'

# --- The end ---

# shellcheck disable=SC2086
kill $labs
ends=
for pid in $labs; do
    wait "$pid"
    ends="$ends $?"
done
exec 3>&-
wait
pids=
ok 'labs end cleanly' "$ends" ' 0 0 0 0 0 0'
: "$grouped"
echo "1..$count"

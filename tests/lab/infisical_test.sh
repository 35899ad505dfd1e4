#!/bin/sh
# The traps of Infisical, as the lab has them: what a test on the lab relies on. Speaks TAP.
# shellcheck disable=SC2016 # ${...} are references of Infisical
set -u
. "$(dirname "$0")/lib_ask.sh"

token=

# start NAME OPTION...: a lab, and the one that the next calls go to
start() {
    start_lab "$@" --only infisical
    started=$!
    url=$(lab_url "$1" HLREC_LAB_INFISICAL)
}

# api METHOD PATH [BODY [HEADER...]]: a body is JSON
api() {
    method=$1
    path=$2
    data=${3-}
    [ $# -lt 3 ] || shift
    shift 2
    [ -z "$data" ] || set -- 'Content-Type: application/json' "$@"
    [ -z "$token" ] || set -- "Authorization: Bearer $token" "$@"
    ask send "$method" "$url$path" "$data" "$@"
    status=$answer
}

# fails WHAT STATUS ERROR MESSAGE: as all failures look, but for those of the router
fails() {
    is "$1" "$2" "d['error'] + ': ' + d['message'] if d['reqId'] and d['statusCode'] == $2 else d" "$3: $4"
}

# login [ID SECRET]
login() {
    token=
    api POST /api/v1/auth/universal-auth/login "{\"clientId\":\"${1-lab-client}\",\"clientSecret\":\"${2-lab-client-secret}\"}"
}

enter() {
    login
    ask at "d['accessToken']"
    token=$answer
}

switch() {
    kept=$token
    token=
    api POST /lab/infisical "$1"
    token=$kept
}

# secret PATH KEY VALUE-IN-JSON: behind everybody's back
secret() {
    api POST /lab/secret "{\"project\":\"homelab-prod\",\"environment\":\"prod\",\"path\":\"$1\",\"key\":\"$2\",\"value\":$3}"
}

# in_netbird [MEMBERS]: a body about /netbird
in_netbird() {
    echo "{\"projectId\":\"$project\",\"environment\":\"prod\",\"secretPath\":\"/netbird\"${1:+,$1}}"
}

s=/api/v4/secrets

start main --data "$dir/data"

# --- Signing in ---

api GET /api/status
is 'status needs no token' 200 "d['message']" Ok
login
is 'sign-in' 200 "(d['tokenType'], d['expiresIn'], d['accessTokenMaxTTL'], d['accessToken'].count('.'))" "('Bearer', 2592000, 2592000, 2)"
login ' lab-client ' 'lab-client-secret '
is 'both are trimmed' 200
login nobody wrong
fails 'no such client' 401 UnauthorizedError 'Invalid credentials'
api POST /api/v1/auth/universal-auth/login '{"clientId":7}'
is 'faults come as a list, all at once' 422 "(d['error'], [(i['code'], i['path'], i['message']) for i in d['message']])" \
    "('ValidationFailure', [('invalid_type', ['clientId'], 'Expected string, received number'), ('invalid_type', ['clientSecret'], 'Required')])"
api POST /api/v1/auth/universal-auth/login
is 'no body' 422 "d['message'][0]['path']" '[]'
for _ in 1 2; do login lab-client wrong; done
login
is 'two wrong ones and a right one' 200
for _ in 1 2; do login lab-client wrong; done
login lab-client wrong
fails 'three wrong ones' 401 UnauthorizedError 'Invalid credentials'
login
fails 'lock it, also for the right one' 401 UnauthorizedError 'This identity auth method is temporarily locked, please try again later'
login nobody wrong
fails 'not others' 401 UnauthorizedError 'Invalid credentials'
switch '{"unlock":true,"lockout_ms":200}'
for _ in 1 2 3; do login lab-client wrong; done
sleep 0.3
login
is 'the lock ends' 200
switch '{"client_secret_num_uses":1}'
login
login
fails 'a client secret of one use' 401 UnauthorizedError 'Access denied due to client secret usage limit reached'
switch '{"client_secret_num_uses":0}'

api GET /api/v1/projects
fails 'no token' 401 UnauthorizedError 'Token missing'
token=rubbish
api GET /api/v1/projects
fails 'no JWT: 403' 403 TokenError 'The provided access token is malformed. Please use a valid token or generate a new one and try again.'
token=e30.e30.e30
api GET /api/v1/projects
fails 'a foreign JWT' 403 TokenError 'invalid signature'
api POST /api/v1/auth/universal-auth/login '{"clientId":"lab-client","clientSecret":"lab-client-secret"}'
is 'a bad token spoils even the sign-in' 403 "d['error']" TokenError
switch '{"token_ttl":1,"token_max_ttl":1}'
enter
short=$token
switch '{"token_ttl":100,"token_max_ttl":200}'
enter
first=$token
token=
api POST /api/v1/auth/token/renew "{\"accessToken\":\"$first\"}"
is 'renew' 200 "(d['expiresIn'], d['accessTokenMaxTTL'])" '(100, 200)'
switch '{"token_ttl":200,"token_max_ttl":200}'
enter
first=$token
token=
api POST /api/v1/auth/token/renew "{\"accessToken\":\"$first\"}"
fails 'renew past the maximum' 401 UnauthorizedError 'Failed to renew MI access token past its Max TTL expiration'
token=$first
api GET /api/v1/projects
fails 'kills the token: 401' 401 UnauthorizedError 'No identity access token found'
switch '{"token_period":60}'
login
is 'periodic tokens' 200 "(d['expiresIn'], d['accessTokenMaxTTL'])" '(60, 1000000000)'
switch '{"token_period":0,"token_ttl":0}'
login
is 'a token for ever has a TTL of 0' 200 "d['expiresIn']" 0
switch '{"token_ttl":2592000,"token_num_uses":2}'
enter
api GET /api/v1/projects
api GET /api/v1/projects
is 'two uses' 200
api GET /api/v1/projects
is 'are over' 401
switch '{"token_num_uses":0}'
enter
first=$token
token=
api POST /api/v1/auth/token/revoke "{\"accessToken\":\"$first\"}"
is 'revoke' 200 "d['message']" 'Successfully revoked access token'
token=$first
api GET /api/v1/projects
is 'is at once' 401
enter

# --- Projects and environments ---

api GET /api/v1/projects/slug/homelab-prod
is 'a project by its slug is not wrapped' 200 "(d['slug'], [e['slug'] for e in d['environments']], d['_id'] == d['id'])" \
    "('homelab-prod', ['dev', 'staging', 'prod'], True)"
ask at "d['id']"
project=$answer
api GET "/api/v1/projects/$project"
is 'by id it is' 200 "d['project']['slug']" homelab-prod
api GET /api/v1/projects
is 'all' 200 "[p['slug'] for p in d['projects']]" "['homelab-prod']"
api GET /api/v1/projects/slug/other
fails 'no such slug' 404 NotFound "Project with slug 'other' not found"
api GET /api/v2/workspace/homelab-prod
is 'the old word' 200 "d['id']" "$project"
api GET "/api/v1/workspace/$project"
is 'wrapped in it' 200 "d['workspace']['id']" "$project"
switch '{"member":false}'
api GET /api/v1/projects/slug/homelab-prod
fails 'not a member' 403 'You are not member of this project' 'You are not allowed to access this resource'
api GET /api/v1/projects
is 'sees none' 200 "d['projects']" '[]'
switch '{"member":true}'
api GET "/api/v1/projects/$project/environments/slug/prod"
is 'environment' 200 "d['environment']['name']" Production
api GET "/api/v1/projects/$project/environments/slug/Production"
is 'its name is no slug' 404
api POST "/api/v1/projects/$project/environments" '{"name":"Lab","slug":"lab"}'
is 'a new one' 200 "(d['message'], d['environment']['position'])" "('Successfully created new environment', 4)"
api POST "/api/v1/projects/$project/environments" '{"name":"Lab","slug":"lab"}'
fails 'again' 400 CreateEnvironment 'Environment with slug already exist'
api GET /api/nothing?a=b
is 'the router fails in words of its own' 404 "d" "{'error': 'Not Found', 'message': 'Route GET:/api/nothing?a=b not found', 'statusCode': 404}"
api GET /v4/secrets
is 'outside of /api the web interface answers' 200 "heads['content-type']" 'text/html; charset=UTF-8'

# --- Folders ---

api GET "$s?projectId=$project&environment=prod&secretPath=/netbird"
fails 'a list of no folder' 404 SecretPathNotFound \
    "Folder with path '/netbird' in environment 'prod' was not found. Please ensure the environment slug and secret path is correct."
api POST "$s/A" "$(in_netbird '"secretValue":"1"')"
fails 'writes make no folder' 404 CreateSecret "Folder with path '/netbird' in environment with slug 'prod' not found"
api GET "/api/v2/folders?projectId=$project&environment=prod&path=/no/such"
is 'folders below none: an empty list' 200 "d" "{'folders': []}"
api GET "/api/v2/folders?projectId=$project&environment=nope&path=/"
fails 'no such environment' 404 NotFound "Environment with slug 'nope' not found"
api GET "/api/v2/folders?projectId=$project&environment=prod"
is 'the path is wanted' 422
api POST /api/v2/folders "{\"projectId\":\"$project\",\"environment\":\"prod\",\"name\":\"netbird\"}"
is 'folder' 200 "(d['folder']['name'], d['folder']['path'], d['folder']['version'])" "('netbird', '/netbird', 1)"
ask at "d['folder']['id']"
folder=$answer
api POST /api/v2/folders "{\"projectId\":\"$project\",\"environment\":\"prod\",\"name\":\"netbird\",\"path\":\"/\"}"
is 'again: the same' 200 "d['folder']['id']" "$folder"
api POST /api/v2/folders "{\"projectId\":\"$project\",\"environment\":\"prod\",\"name\":\"c\",\"path\":\"a/b/\"}"
is 'with its parents, and its first slash' 200 "d['folder']['path']" /a/b/c
api POST /api/v2/folders "{\"projectId\":\"$project\",\"environment\":\"prod\",\"name\":\"a/b\"}"
is 'one name at a time' 422 "d['message'][0]['message'][:20]" 'Invalid folder name.'
api POST /api/v2/folders "{\"projectId\":\"$project\",\"environment\":\"prod\",\"name\":\"x\",\"path\":\"/a b\"}"
is 'and no blanks' 400
api POST /api/v2/folders "{\"projectId\":\"$project\",\"environment\":\"nope\",\"name\":\"x\"}"
fails 'in no environment' 404 NotFound "Environment with slug 'nope' in project with ID '$project' not found"
api GET "/api/v2/folders?projectId=$project&environment=prod&path=/"
is 'list' 200 "sorted(f['name'] for f in d['folders'])" "['a', 'netbird']"
api GET "/api/v2/folders?projectId=$project&environment=prod&path=/a&recursive=true"
is 'all below' 200 "[f['relativePath'] for f in d['folders']]" "['/b', '/b/c']"
api GET "/api/v2/folders/$folder"
is 'by id' 200 "(d['folder']['path'], d['folder']['environment']['envSlug'], d['folder']['projectId'])" "('/netbird', 'prod', '$project')"
api GET /api/v2/folders/netbird
is 'which must be one' 500 "d['message']" 'Something went wrong'
api PATCH /api/v2/folders/a "{\"projectId\":\"$project\",\"environment\":\"prod\",\"path\":\"/\",\"name\":\"netbird\"}"
fails 'rename to a name that is taken' 400 UpdateFolder 'Folder with specified name already exists'
api PATCH /api/v2/folders/a "{\"projectId\":\"$project\",\"environment\":\"prod\",\"path\":\"/\",\"name\":\"z\"}"
is 'rename' 200 "(d['folder']['path'], d['folder']['version'])" "('/z', 2)"
api GET "/api/v2/folders?projectId=$project&environment=prod&path=/z/b"
is 'with all below' 200 "[f['name'] for f in d['folders']]" "['c']"
api DELETE /api/v2/folders/z "{\"projectId\":\"$project\",\"environment\":\"prod\",\"path\":\"/\"}"
is 'delete wants a body' 200 "d['folder']['name']" z
api DELETE /api/v2/folders/z "{\"projectId\":\"$project\",\"environment\":\"prod\"}"
fails 'it is gone' 404 NotFound 'Target folder not found'
api DELETE /api/v2/folders/z
is 'without a body' 422
api GET "/api/v1/folders?workspaceId=$project&environment=prod"
is 'API v1 says workspaceId' 200 "[f['name'] for f in d['folders']]" "['netbird']"

# --- Secrets ---

api GET "$s?projectId=$project&environment=prod&secretPath=/netbird"
is 'an empty folder' 200 "d" "{'imports': [], 'secrets': []}"
api GET "$s?projectId=$project&environment=prod&secretPath=netbird"
is 'a path without its slash is another' 404
api GET "$s?projectId=$project&environment=nope&secretPath=/"
is 'no environment looks like no folder' 404 "d['error']" SecretPathNotFound
api GET "$s?projectId=$project"
fails 'nor is it optional' 400 BadRequest 'Missing project id or environment'
api GET "$s?projectId=$project&environment=prod&recursive=yes&include_imports=1"
words="Invalid enum value. Expected 'true' | 'false', rece"
is 'flags are true or false' 422 "[(i['path'], i['received'], i['message'][:51]) for i in d['message']]" \
    "[(['recursive'], 'yes', \"$words\"), (['include_imports'], '1', \"$words\")]"
api GET "$s?projectId=none&environment=prod"
fails 'no such project' 404 NotFound 'Project not found during bot lookup. Are you sure you are using the correct project ID?'
api POST "$s/KEY" "$(in_netbird '"secretValue":"one","secretComment":" c ","secretMetadata":[{"key":"managed-by","value":"hlrec"}]')"
is 'create: 200' 200 "[d['secret'][k] for k in ('version', 'secretValue', 'secretComment')]" "[1, 'one', 'c']"
is 'and little told' 200 "[k in d['secret'] for k in ('secretPath', 'secretMetadata', 'secretValueHidden')]" '[False, False, False]'
ask at "d['secret']['id']"
id=$answer
api POST "$s/KEY" "$(in_netbird '"secretValue":"one"')"
fails 'create again: 400, not 409' 400 BadRequest 'Secret already exists'
api POST "$s/KEY" "$(in_netbird)"
is 'a value is wanted' 422 "d['message'][0]['path']" "['secretValue']"
api POST "$s/K%2FY" "$(in_netbird '"secretValue":""')"
is 'no slash in a name' 422 "d['message'][0]['message']" 'Secret name cannot contain colon or forward slash.'
api POST "$s/a%20b" "$(in_netbird '"secretValue":""')"
is 'but blanks' 200 "(d['secret']['secretKey'], d['secret']['secretValue'])" "('a b', '')"
api POST "$s/P" "$(in_netbird '"secretValue":"x","type":"personal"')"
fails 'a machine has nothing personal' 400 BadRequest 'Must be user to create personal secret'
api POST "$s/T" "$(in_netbird '"secretValue":"x","tagIds":["t"]')"
is 'unknown tags' 404
api GET "$s?projectId=$project&environment=prod&secretPath=/netbird/"
is 'a slash at the end does not matter' 200 "sorted(x['secretKey'] for x in d['secrets'])" "['KEY', 'a b']"
orders=$(for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
    api GET "$s?projectId=$project&environment=prod&secretPath=/netbird"
    ask at "d['secrets'][0]['secretKey']"
    echo "$answer"
done | sort -u | wc -l)
ok 'the list has no order' "$orders" 2
api GET "$s/KEY?projectId=$project&environment=prod&secretPath=/netbird"
is 'one' 200 "[d['secret'][k] for k in ('secretValue', 'secretValueHidden', 'secretPath', 'secretMetadata', 'workspace')]" \
    "['one', False, '/netbird', [{'isEncrypted': False, 'key': 'managed-by', 'value': 'hlrec'}], '$project']"
api GET "$s/NO?projectId=$project&environment=prod&secretPath=/netbird"
fails 'that is not there' 404 NotFound "Secret with name 'NO' not found"
api GET "$s/KEY?projectId=$project&environment=prod&secretPath=/no"
fails 'nor its folder' 404 GetSecretByName "Folder with path '/no' in environment with slug 'prod' not found"
api GET "$s/KEY?environment=prod"
is 'nor its project' 422
api GET "$s/id/$id"
is 'by id' 200 "(d['secret']['secretKey'], 'secretValueHidden' in d['secret'])" "('KEY', False)"

api PATCH "$s/KEY" "$(in_netbird '"secretValue":"two"')"
is 'update' 200 "(d['secret']['version'], d['secret']['secretValue'], d['secret']['secretValueHidden'])" "(2, 'two', False)"
api PATCH "$s/KEY" "$(in_netbird '"secretValue":"two"')"
is 'with the same: a version all the same' 200 "d['secret']['version']" 3
api PATCH "$s/KEY" "$(in_netbird '"secretComment":"d"')"
is 'without a value the answer has an empty one' 200 "(d['secret']['secretValue'], d['secret']['secretComment'])" "('', 'd')"
api GET "$s/KEY?projectId=$project&environment=prod&secretPath=/netbird"
is 'which is not so' 200 "d['secret']['secretValue']" two
api GET "$s/KEY?projectId=$project&environment=prod&secretPath=/netbird&version=1"
is 'an older version' 200 "(d['secret']['secretValue'], d['secret']['version'])" "('one', 1)"
api PATCH "$s/NO" "$(in_netbird '"secretValue":"x"')"
fails 'update what is not there' 404 NotFound 'Secret with name NO not found'
api PATCH "$s/KEY" "$(in_netbird '"newSecretName":"a b"')"
fails 'rename to what is there' 400 BadRequest 'Secret with the new name already exists'
api PATCH "$s/KEY" "$(in_netbird '"newSecretName":"NEW"')"
is 'rename' 200 "d['secret']['secretKey']" NEW
api DELETE "$s/NEW" "$(in_netbird)"
is 'delete' 200 "d['secret']['secretValue']" two
api DELETE "$s/NEW" "$(in_netbird)"
fails 'again' 404 NotFound 'Secret not found'
api GET "$s/id/$id"
fails 'gone by id as well' 404 GetSecretById "Secret with ID '$id' not found"
api DELETE "$s/NEW" '' 'Content-Type: application/json'
fails 'JSON without a body is a fault of the server' 500 InternalServerError 'Something went wrong'
api DELETE "$s/NEW"
is 'nothing at all is not' 422

# trims WHAT JSON STORED
trims() {
    api DELETE "$s/TRIM" "$(in_netbird)"
    api POST "$s/TRIM" "$(in_netbird "\"secretValue\":$2")"
    api GET "$s/TRIM?projectId=$project&environment=prod&secretPath=/netbird"
    is "$1" 200 "json.dumps(d['secret']['secretValue'])" "$3"
}
trims 'blanks go' '"  a "' '"a"'
trims 'one newline stays' '"  a \n\n"' '"a\n"'
trims 'only at the end' '"\na\nb \n "' '"a\nb"'
trims 'nothing but a newline' '"\n"' '"\n"'
trims 'blanks of Unicode' '"\u00a0\u2003a\u3000\ufeff"' '"a"'
trims 'nothing' '"   "' '""'
trims 'letters beside blanks' '"\u00e4 \ud83d\ude00"' '"\u00e4 \ud83d\ude00"'

# --- Batches ---

api POST "$s/batch" "$(in_netbird '"secrets":[{"secretKey":"B1","secretValue":" 1 "},{"secretKey":"B2","secretValue":"2"}]')"
is 'batch' 200 "[(x['secretKey'], x['secretValue']) for x in d['secrets']]" "[('B1', '1'), ('B2', '2')]"
api POST "$s/batch" "$(in_netbird '"secrets":[{"secretKey":"B3","secretValue":"3"},{"secretKey":"B1","secretValue":"1"},{"secretKey":"B2","secretValue":"1"}]')"
fails 'all or nothing' 400 BadRequest 'Secret already exists: B1,B2'
api PATCH "$s/batch" "$(in_netbird '"secrets":[{"secretKey":"B1","secretValue":"x"},{"secretKey":"B3","secretValue":"3"}]')"
fails 'also in updates' 404 NotFound 'Secret does not exist: B3 in path /netbird'
api PATCH "$s/batch" "$(in_netbird '"mode":"upsert","secrets":[{"secretKey":"B1","secretValue":"x"},{"secretKey":"B3","secretValue":"3"}]')"
is 'upsert' 200 "[(x['secretKey'], x['version']) for x in d['secrets']]" "[('B1', 2), ('B3', 1)]"
api PATCH "$s/batch" "$(in_netbird '"mode":"ignore","secrets":[{"secretKey":"B4","secretValue":"x"}]')"
is 'ignore' 200 "d['secrets']" '[]'
api PATCH "$s/batch" "$(in_netbird '"mode":"replace","secrets":[]')"
is 'other words' 422 "[i['path'] for i in d['message']]" "[['mode'], ['secrets']]"
api PATCH "$s/batch" "$(in_netbird '"secrets":[{"secretKey":"B1","secretValue":"x","secretPath":"/no"}]')"
fails 'a path of its own' 404 NotFound 'Folder not found'
api POST "$s/batch" "$(in_netbird '"secrets":[{"secretKey":"C"}]')"
is 'where in the batch' 422 "d['message'][0]['path']" "['secrets', 0, 'secretValue']"
api DELETE "$s/batch" "$(in_netbird '"secrets":[{"secretKey":"B1"},{"secretKey":"NO"}]')"
fails 'delete tells what is there' 404 NotFound 'One or more secrets does not exist: B1'
api DELETE "$s/batch" "$(in_netbird '"secrets":[{"secretKey":"B1"},{"secretKey":"B2"},{"secretKey":"B3"},{"secretKey":"TRIM"},{"secretKey":"a b"}]')"
is 'delete' 200 "len(d['secrets'])" 5

# --- References, and what others do ---

secret /netbird BASE '"base"'
is "the lab's own door" 200
api POST "$s/REF" "$(in_netbird '"secretValue":"${BASE}-${prod.netbird.BASE}-${NONE}"')"
is 'references to nothing are fine by now' 200
api GET "$s/REF?projectId=$project&environment=prod&secretPath=/netbird&expandSecretReferences=true"
is 'expanded' 200 "d['secret']['secretValue']" 'base-base-${NONE}'
api GET "$s/REF?projectId=$project&environment=prod&secretPath=/netbird"
is 'or not' 200 "d['secret']['secretValue']" '${BASE}-${prod.netbird.BASE}-${NONE}'
secret /netbird BASE '"changed"'
api GET "$s/BASE?projectId=$project&environment=prod&secretPath=/netbird"
is 'changed behind the back' 200 "(d['secret']['secretValue'], d['secret']['version'])" "('changed', 2)"
secret /deep/er X '"x"'
api GET "$s?projectId=$project&environment=prod&secretPath=/&recursive=true"
is 'recursive' 200 "sorted((x['secretPath'], x['secretKey']) for x in d['secrets'])" "[('/deep/er', 'X'), ('/netbird', 'BASE'), ('/netbird', 'REF')]"
api POST /lab/secret '{"project":"homelab-prod","environment":"prod","path":"/netbird","key":"ROT","value":"r","rotated":true}'
api PATCH "$s/ROT" "$(in_netbird '"newSecretName":"ROT2"')"
fails 'a rotated one keeps its name' 400 BadRequest 'Cannot update rotated secret name'
api PATCH "$s/batch" "$(in_netbird '"secrets":[{"secretKey":"ROT","secretValue":"mine"}]')"
is 'in a batch its value is left without a word' 200 "(d['secrets'][0]['secretValue'], d['secrets'][0]['isRotatedSecret'])" "('r', True)"
api DELETE "$s/ROT" "$(in_netbird)"
fails 'nor is it deleted' 400 BadRequest 'Cannot delete rotated secrets'
secret /netbird ROT null
api GET "$s/ROT?projectId=$project&environment=prod&secretPath=/netbird"
is 'deleted behind the back' 404
secret / X 7
is 'the door wants text' 400

# --- Modes ---

api GET "$s?projectId=$project&environment=prod&secretPath=/deep/er&viewSecretValue=false"
is 'values that were not asked for' 200 "(d['secrets'][0]['secretValue'], d['secrets'][0]['secretValueHidden'])" "('<hidden-by-infisical>', True)"
switch '{"hidden":true}'
api GET "$s?projectId=$project&environment=prod&secretPath=/deep/er"
is 'values that may not be read' 200 "(d['secrets'][0]['secretValue'], d['secrets'][0]['secretValueHidden'])" "('<hidden-by-infisical>', True)"
api GET "$s/X?projectId=$project&environment=prod&secretPath=/deep/er"
fails 'one by one' 403 ForbiddenReadSecretError "You do not have permission to view secret value on secret with name 'X'"
switch '{"hidden":false,"forbid":true}'
api GET "$s?projectId=$project&environment=prod&secretPath=/deep/er"
fails 'or the whole list' 403 PermissionDenied 'You are not allowed to readValue on secrets'
switch '{"forbid":false,"approval":true}'
api PATCH "$s/X" "{\"projectId\":\"$project\",\"environment\":\"prod\",\"secretPath\":\"/deep/er\",\"secretValue\":\"new\"}"
is 'approvals: 200 without a secret' 200 "(sorted(d), d['approval']['status'])" "(['approval'], 'open')"
api DELETE "$s/batch" "{\"projectId\":\"$project\",\"environment\":\"prod\",\"secretPath\":\"/deep/er\",\"secrets\":[{\"secretKey\":\"X\"}]}"
is 'also for batches' 200 "sorted(d)" "['approval']"
api GET "$s/X?projectId=$project&environment=prod&secretPath=/deep/er"
is 'and nothing has happened' 200 "(d['secret']['secretValue'], d['secret']['version'])" "('x', 1)"
api DELETE /api/v2/folders/deep "{\"projectId\":\"$project\",\"environment\":\"prod\",\"path\":\"/\"}"
is 'a folder with protected secrets stays' 400 "d['error']" DeleteFolderProtectedByPolicy
switch '{"approval":false,"capitals":true,"encrypted_metadata":true}'
api POST "$s/lower" "$(in_netbird '"secretValue":"x"')"
is 'capitals' 400 "d['message'][:32]" 'Secret name must be in UPPERCASE'
api POST "$s/UPPER" "$(in_netbird '"secretValue":"x","secretMetadata":[{"key":"k","value":"v"}]')"
is 'encrypted metadata' 400 "d['message'][:37]" 'Encrypted secret metadata is enforced'
switch '{"capitals":false,"encrypted_metadata":false,"rate_limit":2,"rate_window_ms":1000}'
api GET "$s?projectId=$project&environment=prod"
is 'limits' 200 "(heads['x-ratelimit-limit'], heads['x-ratelimit-remaining'])" "('2', '1')"
api GET "$s?projectId=$project&environment=prod"
api GET "$s?projectId=$project&environment=prod"
fails 'too often' 429 RateLimitExceeded 'Rate limit exceeded. Please try again in 1 seconds'
is 'and when to come again' 429 "heads['retry-after']" 1
api GET /api/v1/projects
is 'other sorts of calls have their own' 200
api GET /api/status
is 'status has none' 200 "'x-ratelimit-limit' in heads" False
switch '{"rate_limit":0,"starting":true}'
api GET /api/status
is 'starting' 503 "d['message']" 'Server is starting up, migrations in progress'
api GET "$s?projectId=$project&environment=prod"
is 'looks like an old server then' 404 "'reqId' in d" False
switch '{"starting":false,"no_such":1}'
is 'no such switch' 400
switch '{"v4":false}'
api GET "$s?projectId=$project&environment=prod"
is 'no API v4' 404 "d['error']" 'Not Found'
switch '{"v4":true}'
kept=$token
token=$short
while api GET /api/v1/projects && [ "$status" = 200 ]; do sleep 0.1; done
fails 'a token that ran out: 403' 403 TokenError 'Your token has expired. Please re-authenticate.'
token=$kept

# --- API v3 ---

r=/api/v3/secrets/raw
api GET "$r?workspaceSlug=homelab-prod&environment=prod&secretPath=/deep/er"
is 'v3 takes slugs' 200 "[x['secretKey'] for x in d['secrets']]" "['X']"
api GET "$r?environment=prod"
fails 'or ids' 400 BadRequest 'You must provide projectSlug or workspaceId'
api POST "$r/V3" '{"projectSlug":"homelab-prod","environment":"prod","secretPath":"/deep/er","secretValue":" v "}'
is 'v3 writes' 200 "d['secret']['secretValue']" v
api PATCH "$r/V3" "{\"workspaceId\":\"$project\",\"environment\":\"prod\",\"secretPath\":\"/deep/er\",\"secretValue\":\"w\"}"
is 'v3 updates' 200 "d['secret']['version']" 2
api DELETE /api/v3/secrets/batch/raw "{\"workspaceId\":\"$project\",\"environment\":\"prod\",\"secretPath\":\"/deep/er\",\"secrets\":[{\"secretKey\":\"V3\"}]}"
is 'v3 batches' 200 "d['secrets'][0]['secretKey']" V3

# --- What is kept, and old servers ---

kill "$started"
wait "$started"
ok 'ends cleanly' "$?" 0
start again --data "$dir/data"
api GET "$s/X?projectId=$project&environment=prod&secretPath=/deep/er"
is 'all is kept, even the token' 200 "d['secret']['secretValue']" x
api GET "/api/v2/folders/$folder"
is 'and ids' 200 "d['folder']['path']" /netbird
start old --infisical 0.90
enter
api GET /api/v4/secrets
is 'an old server: no v4' 404 "(d['statusCode'], 'reqId' in d)" '(404, False)'
api GET /api/v1/projects/slug/homelab-prod
is 'no /projects' 404
api GET /api/v2/folders
is 'no v2 folders' 404
api GET "$r?workspaceSlug=homelab-prod&environment=prod&secretPath=/none"
is 'a list of no folder is empty' 200 "d['secrets']" '[]'
api GET /api/v2/workspace/homelab-prod
ask at "d['id']"
project=$answer
api POST /api/v1/folders "{\"workspaceId\":\"$project\",\"environment\":\"prod\",\"name\":\"a\"}"
is 'v1 folders' 200 "d['folder']['path']" /a
for _ in 1 2; do api POST "$r/K" "{\"workspaceId\":\"$project\",\"environment\":\"prod\",\"secretPath\":\"/a\",\"secretValue\":\"x\"}"; done
fails 'the older words' 400 BadRequest 'Secret already exist'
api POST "$r/REF" "{\"workspaceId\":\"$project\",\"environment\":\"prod\",\"secretPath\":\"/a\",\"secretValue\":\"\${NONE}\"}"
fails 'references to nothing' 400 BadRequest 'Referenced secret(s) not found: NONE'
api POST "$r/a%20b" "{\"workspaceId\":\"$project\",\"environment\":\"prod\",\"secretPath\":\"/a\",\"secretValue\":\"x\"}"
is 'no blanks in names' 422
api DELETE "$r/K" '' 'Content-Type: application/json'
is 'the HTTP library speaks for itself' 400 "d['code']" FST_ERR_CTP_EMPTY_JSON_BODY
HLREC_LAB_INFISICAL_ID=other HLREC_LAB_INFISICAL_SECRET=word start other
login other word
is 'an identity from the environment' 200
login
is 'is the only one' 401

exec 3>&-
echo "1..$count"

#!/bin/sh
# The traps of the Docker Engine API, as the lab has them: what a test on the lab relies on. Speaks TAP.
set -u
. "$(dirname "$0")/lib_curl.sh"

v=/v1.41

# start NAME OPTION...: a lab, and the one that the next calls go to
start() {
    start_lab "$@"
    sock=$dir/$1/docker.sock
}

# api METHOD PATH [JSON [CURL-OPTION...]]
api() {
    api_method=$1
    path=$2
    data=${3-}
    [ $# -gt 2 ] && shift
    shift 2
    call "$api_method" "http://localhost$path" "$data" --unix-socket "$sock" "$@"
}

# create NAME JSON: prints nothing, leaves $id
create() {
    api POST "$v/containers/create?name=$1" "$2"
    id=$(at "d['Id']")
}

start main --log "$dir/log"

api GET /_ping
ok 'ping answers' "$status $(cat "$body")" '200 OK'
has 'every answer tells the version' "$(cat "$heads")" 'Api-Version: 1.41'
api HEAD /_ping
ok 'HEAD of ping is empty' "$status $(wc -c <"$body" | tr -d ' ')" "200 $(wc -c <"$heads" | tr -d ' ')"
api GET /version
ok 'version' "$(at "d['ApiVersion'] + ' ' + d['MinAPIVersion'] + ' ' + d['Version']")" '1.41 1.12 20.10.24'
api GET /v1.44/containers/json
ok 'a newer version is refused' "$status $(at "d['message']")" \
    '400 client version 1.44 is too new. Maximum supported API version is 1.41'
api GET /v1.10/containers/json
has 'an older one is refused in plain text' "$status $(cat "$heads")" 'text/plain'
api GET "$v/nothing"
ok 'unknown route' "$status $(at "d['message']")" '404 page not found'
api GET "$v/containers//json"
ok 'double slash redirects' "$status" 301
api GET "$v/containers/%2Fweb/json"
ok 'also an escaped one' "$status" 301
api GET "$v/images/a%2Fb%3A1/json"
ok 'other escapes are fine' "$status $(at "d['message']")" '404 no such image: a/b:1: No such image: a/b:1'

api POST "$v/containers/create?name=web" '{"Image":"nginx:9"}'
ok 'missing image' "$status $(at "d['message']")" '404 No such image: nginx:9'
api POST "$v/containers/create?name=web" '' --data-binary '{"Image":"nginx:1.27"}'
has 'a form is no JSON' "$status $(at "d['message']")" "400 Content-Type specified (application/x-www-form-urlencoded"
api POST "$v/containers/create?name=web" '{"Image":"nginx:1.27","HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":80}]}}}'
has 'a number where text belongs' "$status $(at "d['message']")" '500 json: cannot unmarshal'
api POST "$v/containers/create?name=w" '{"Image":"nginx:1.27"}'
has 'a name of one letter' "$status $(at "d['message']")" '400 Invalid container name'

create web '{"image":"nginx:1.27","Env":["A=1","NGINX_VERSION=mine"],"Labels":{"l":"v","lab.health-delay":"2000"},"Unknown":1,
    "ExposedPorts":{"443/tcp":{}},"Healthcheck":{"Test":["CMD","true"],"Interval":1000000000},
    "HostConfig":{"Memory":104857600,"PortBindings":{"80/tcp":[{"HostPort":"8080"}],"81/tcp":[{"HostPort":"8081"}]},
    "Binds":["data:/data","/tmp:/b","/tmp:/c:ro","/anon"],"RestartPolicy":{"Name":"always"}}}'
web=$id
ok 'created' "$status ${#web}" '201 64'
api POST "$v/containers/create?name=web" '{"Image":"nginx:1.27"}'
has 'the name is taken, and by whom' "$status $(at "d['message']")" "409 Conflict. The container name \"/web\" is already in use by container \"$web\""

api GET "$v/containers/web/json"
ok 'name with a slash, image as typed' "$(at "d['Name'] + ' ' + d['Config']['Image']")" '/web nginx:1.27'
ok 'own environment first, then the rest of the image' "$(at "' '.join(e.split('=')[0] for e in d['Config']['Env'])")" \
    'A NGINX_VERSION PATH PKG_RELEASE'
ok 'labels of the image are merged' "$(at "sorted(d['Config']['Labels'])")" "['l', 'lab.health-delay', 'maintainer']"
ok 'ports of the image are merged' "$(at "sorted(d['Config']['ExposedPorts'])")" "['443/tcp', '80/tcp']"
ok 'command and entrypoint of the image' "$(at "d['Path'] + ' ' + ' '.join(d['Args'])")" '/docker-entrypoint.sh nginx -g daemon off;'
ok 'swap is twice the memory' "$(at "d['HostConfig']['MemorySwap']")" 209715200
ok 'nothing sent is null' "$(at "(d['HostConfig']['CapAdd'], d['HostConfig']['Dns'], d['HostConfig']['PidsLimit'])")" \
    '(None, None, None)'
ok 'defaults of the engine' "$(at "(d['HostConfig']['NetworkMode'], d['HostConfig']['ShmSize'], d['HostConfig']['LogConfig']['Type'])")" \
    "('default', 67108864, 'json-file')"
ok 'no health before the first start' "$(at "(d['State']['Status'], d['State'].get('Health'))")" "('created', None)"
ok 'no address before the first start' "$(at "d['NetworkSettings']['Networks']['bridge']['NetworkID']")" ''
orders=$(for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do api GET "$v/containers/web/json"; at "[m['Destination'] for m in d['Mounts']]"; done | sort -u | wc -l)
ok 'mounts come in changing orders' "$([ "$orders" -gt 1 ] && echo yes)" yes
api GET "$v/volumes/data"
ok 'a volume that was named in a bind is there' "$status" 200

api POST "$v/containers/web/start"
ok 'start' "$status" 204
api POST "$v/containers/web/start"
ok 'start again' "$status" 304
api GET "$v/containers/web/json"
ok 'a binding without an exposed port is not published' "$(at "sorted((k, bool(p)) for k, p in d['NetworkSettings']['Ports'].items())")" \
    "[('443/tcp', False), ('80/tcp', True)]"
ok 'health starts' "$(at "d['State']['Health']['Status']")" starting
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    api GET "$v/containers/web/json"
    [ "$(at "d['State']['Health']['Status']")" = healthy ] && break
    sleep 0.2
done
ok 'and gets well' "$(at "d['State']['Health']['Status']")" healthy
api GET "$v/containers/$(echo "$web" | cut -c1-7)/json"
ok 'a prefix of the id will do' "$(at "d['Id']")" "$web"

create web2 '{"Image":"busybox","ExposedPorts":{"8080/tcp":{}},"HostConfig":{"PortBindings":{"8080/tcp":[{"HostPort":"8080"}]}}}'
ok 'a port that is taken does not matter yet' "$status" 201
api POST "$v/containers/web2/start"
has 'until the start' "$status $(at "d['message']")" '500 driver failed programming external connectivity'
api GET "$v/containers/web2/json"
has 'which leaves its error' "$(at "d['State']['Status'] + ' ' + d['State']['Error']")" 'created driver failed'
api DELETE "$v/containers/web"
ok 'a running container stays' "$status" 409
api POST "$v/containers/web/stop?t=1"
ok 'stop' "$status" 204
api POST "$v/containers/web/stop"
ok 'stop again' "$status" 304
api POST "$v/containers/web2/start"
ok 'the port is free now' "$status" 204

api POST "$v/containers/web/update" '{"Memory":0,"CpuShares":7,"Env":["B=2"]}'
ok 'update drops what it does not know' "$status" 200
api GET "$v/containers/web/json"
ok 'and leaves zeros' "$(at "(d['HostConfig']['Memory'], d['HostConfig']['CpuShares'], len(d['Config']['Env']))")" '(104857600, 7, 4)'
api POST "$v/containers/web/update" '{"Memory":1073741824}'
ok 'memory beyond the stored swap' "$status" 409
api POST "$v/containers/web/rename?name=web2"
ok 'rename to a name that is taken' "$status" 409
api POST "$v/containers/web/rename?name=old"
ok 'rename' "$status" 204
api GET "$v/containers/web/json"
ok 'the old name is gone' "$status" 404

api POST "$v/networks/create" '{"Name":"net","CheckDuplicate":true,"IPAM":{"Config":[{"Subnet":"172.30.0.0/24"}]},"Labels":{"x":"y"}}'
net=$(at "d['Id']")
ok 'network' "$status" 201
api POST "$v/networks/create" '{"Name":"net","CheckDuplicate":true}'
ok 'of that name' "$status" 409
api POST "$v/networks/create" '{"Name":"net"}'
twin=$(at "d['Id']")
ok 'without the question there are two' "$status" 201
api GET "$v/networks/net"
has 'and the name means neither' "$status $(at "d['message']")" '400 2 matches found based on name: network net is ambiguous'
api DELETE "$v/networks/$twin"
ok 'by id one goes' "$status" 204
api GET "$v/networks/net"
ok 'what was sent comes back, no gateway added' "$(at "d['IPAM']['Config']")" "[{'Subnet': '172.30.0.0/24'}]"
api POST "$v/networks/create" '{"Name":"other","IPAM":{"Config":[{"Subnet":"172.30.0.128/25"}]}}'
ok 'overlapping subnet' "$status" 403
api POST "$v/networks/create" '{"Name":"apps","CheckDuplicate":true}'

api POST "$v/containers/create?name=two" '{"Image":"busybox","NetworkingConfig":{"EndpointsConfig":{"net":{},"apps":{}}}}'
has 'two networks at creation' "$status $(at "d['message']")" '400 Container cannot be connected to network endpoints: '
create app '{"Image":"alpine:3.20","HostConfig":{"NetworkMode":"net"},"NetworkingConfig":{"EndpointsConfig":{"net":{"Aliases":["a"],
    "IPAMConfig":{"IPv4Address":"172.30.0.10"}}}}}'
app=$id
api POST "$v/networks/apps/connect" "{\"Container\":\"app\",\"EndpointConfig\":{\"Aliases\":[\"b\"]}}"
ok 'connect before the start' "$status" 200
api POST "$v/containers/app/start"
api GET "$v/containers/app/json"
ok 'the short id is an alias then' "$(at "d['NetworkSettings']['Networks']['net']['Aliases'] == ['a', d['Id'][:12]]")" True
ok 'with the address' "$(at "d['NetworkSettings']['Networks']['net']['IPAddress']")" 172.30.0.10
api POST "$v/networks/apps/connect" '{"Container":"app"}'
ok 'connect a running one again' "$status" 403
create app2 '{"Image":"alpine:3.20","HostConfig":{"NetworkMode":"net"},"NetworkingConfig":{"EndpointsConfig":{"net":{
    "IPAMConfig":{"IPv4Address":"172.30.0.10"}}}}}'
api POST "$v/containers/app2/start"
ok 'an address in use' "$status $(at "d['message']")" '403 Address already in use'
api GET "$v/networks/net"
ok 'the network shows who runs' "$(at "[c['Name'] + ' ' + c['IPv4Address'] for c in d['Containers'].values()]")" "['app 172.30.0.10/24']"
api GET "$v/networks?filters=%7B%22name%22%3A%5B%22net%22%5D%7D"
ok 'the list does not' "$(at "[n['Containers'] for n in d if n['Name'] == 'net']")" '[{}]'
api DELETE "$v/networks/net"
ok 'a network in use stays' "$status" 403
api POST "$v/containers/app/stop?t=1"
api DELETE "$v/networks/net"
ok 'one of stopped containers goes' "$status" 204
api POST "$v/networks/create" '{"Name":"net","CheckDuplicate":true,"IPAM":{"Config":[{"Subnet":"172.30.0.0/24"}]}}'
api POST "$v/containers/app/start"
ok 'and they are pinned to it' "$status $(at "d['message']")" "404 network $net not found"
api POST "$v/networks/net/disconnect" '{"Container":"app"}'
api POST "$v/networks/net/connect" '{"Container":"app"}'
api POST "$v/containers/app/start"
ok 'until they are connected anew' "$status" 204
api POST "$v/networks/net/disconnect" '{"Container":"app2"}'
api POST "$v/networks/net/disconnect" '{"Container":"app2"}'
has 'disconnect what is not connected' "$status $(at "d['message']")" '500 container'

api POST "$v/volumes/create" '{"Name":"data","Labels":{"new":"1"}}'
ok 'a volume that exists is as it was' "$status $(at "d['Labels']")" '201 None'
api DELETE "$v/volumes/data?force=1"
ok 'a volume in use stays' "$status" 409

api GET "$v/containers/json"
ok 'the list shows what runs' "$(at "sorted(c['Names'][0] for c in d)")" "['/app', '/web2']"
api GET "$v/containers/json?all=1&filters=%7B%22name%22%3A%5B%22app%22%5D%7D"
ok 'a name filter finds parts' "$(at "sorted(c['Names'][0] for c in d)")" "['/app', '/app2']"
api GET "$v/containers/json?all=1&filters=%7B%22name%22%3A%5B%22%5E%2Fapp%24%22%5D%7D"
ok 'anchored it does not' "$(at "[c['Names'][0] for c in d]")" "['/app']"
api GET "$v/containers/json?all=1&filters=%7B%22label%22%3A%5B%22l%3Dv%22%2C%22maintainer%22%5D%7D"
ok 'labels must all fit' "$(at "[c['Names'][0] for c in d]")" "['/old']"
api GET "$v/containers/json?filters=%7B%22nonsense%22%3A%5B%22x%22%5D%7D"
ok 'unknown filter' "$status" 400
api GET "$v/containers/json?filters=rubbish"
ok 'broken filter' "$status" 500

api POST "$v/images/create?fromImage=redis&tag=7"
has 'pull' "$status $(cat "$body")" 'Status: Downloaded newer image for redis:7'
api GET "$v/images/docker.io/library/redis:7/json"
ok 'the image is here under all its names' "$(at "d['RepoTags'] + [x.split('@')[0] for x in d['RepoDigests']]")" "['redis:7', 'redis']"
digest=$(at "d['RepoDigests'][0].split('@')[1]")
api GET "$v/distribution/redis:7/json"
ok 'with the digest of the registry' "$(at "d['Descriptor']['digest']")" "$digest"
api POST "$v/images/create?fromImage=missing&tag=1"
has 'a pull fails inside a 200' "$status $(cat "$body")" '"errorDetail":{"message":"manifest for missing:1 not found'
create tagged '{"Image":"redis:7"}'
api POST "$v/images/busybox/tag?repo=redis&tag=7"
ok 'a tag moves' "$status" 201
api GET "$v/containers/json?all=1&filters=%7B%22name%22%3A%5B%22tagged%22%5D%7D"
has 'and the list shows the bare image' "$(at "d[0]['Image']")" 'sha256:'
api GET "$v/containers/tagged/json"
ok 'while inspect does not' "$(at "d['Config']['Image']")" redis:7
api DELETE "$v/images/alpine:3.20"
ok 'an image in use stays' "$status" 409

mkdir "$dir/tree" "$dir/tree/etc"
echo secret >"$dir/tree/etc/key"
chmod 400 "$dir/tree/etc/key"
tar -C "$dir/tree" --owner=33 --group=33 -cf "$dir/tar" ./etc/key
curl -s --unix-socket "$sock" -X PUT --data-binary "@$dir/tar" "http://localhost$v/containers/old/archive?path=/" -o "$body"
api HEAD "$v/containers/old/archive?path=/etc/key"
ok 'a form is eaten by the archive' "$status" 404
curl -s --unix-socket "$sock" -X PUT -H 'Content-Type: application/x-tar' --data-binary "@$dir/tar" \
    "http://localhost$v/containers/old/archive?path=/" -o "$body"
api HEAD "$v/containers/old/archive?path=/etc/key"
stat=$(sed -n 's/^X-Docker-Container-Path-Stat: //p' "$heads" | tr -d '\r' | base64 -d)
has 'a tar is not' "$stat" '"name":"key","size":7,"mode":256'
api GET "$v/containers/old/archive?path=/etc/key"
ok 'and comes back' "$(tar -xOf "$body" key)" secret
api PUT "$v/containers/old/archive?path=/no/such" '' -H 'Content-Type: application/x-tar' --data-binary "@$dir/tar"
ok 'the path must be there' "$status" 404

api POST "$v/containers/old/exec" '{"Cmd":["true"]}'
ok 'no exec in a stopped container' "$status" 409
api POST "$v/containers/app/exec" '{"Cmd":["sh","-c","exit 7"],"AttachStdout":true}'
exec=$(at "d['Id']")
api POST "$v/exec/$exec/start" '{"Detach":false}'
api GET "$v/exec/$exec/json"
ok 'exec' "$(at "(d['Running'], d['ExitCode'])")" '(False, 7)'
api POST "$v/containers/app/exec" '{"Cmd":["missing"],"AttachStdout":true}'
exec=$(at "d['Id']")
api POST "$v/exec/$exec/start" '{}'
has 'a missing program fails inside a 200' "$status $(tr -d '\000' <"$body")" 'executable file not found'
api GET "$v/containers/app/logs?stdout=1"
ok 'logs come in frames' "$(od -An -tx1 -N8 "$body" | tr -d ' ')" 010000000000000c
api GET "$v/containers/app/logs"
ok 'of some stream' "$status" 400

create job '{"Image":"busybox","Labels":{"lab.exit":"3"}}'
api POST "$v/containers/job/start"
api POST "$v/containers/job/wait?condition=nonsense"
ok 'wait' "$status $(at "d['StatusCode']")" '200 3'
create loop '{"Image":"busybox","Labels":{"lab.exit":"1"},"HostConfig":{"RestartPolicy":{"Name":"always"}}}'
api POST "$v/containers/loop/start"
api GET "$v/containers/loop/json"
ok 'a crash loop runs and restarts' "$(at "(d['State']['Status'], d['State']['Running'], d['State']['Restarting'])")" \
    "('restarting', True, True)"
api POST "$v/images/create?fromImage=some/unhealthy&tag=1"
create sick '{"Image":"some/unhealthy:1"}'
api POST "$v/containers/sick/start"
sleep 0.3
api GET "$v/containers/sick/json"
ok 'unhealthy by name' "$(at "d['State']['Health']['Status']")" unhealthy
api GET "$v/events?since=0&until=1&filters=%7B%7D"
ok 'events end' "$status" 200
has 'log of the lab' "$(head -1 "$dir/log")" '{"api":"docker","method":"GET","path":"/_ping","query":"","status":200,"received_us":'
has 'its addresses' "$(cat "$dir/main/lab.env")" "HLREC_LAB_DOCKER=unix://$dir/main/docker.sock"

start new --docker-api 1.44
v=/v1.44
api POST "$v/networks/create" '{"Name":"net"}'
api POST "$v/networks/create" '{"Name":"net"}'
ok '1.44: no two networks of a name' "$status" 409
api POST "$v/networks/create" '{"Name":"apps"}'
create two '{"Image":"busybox","HostConfig":{"NetworkMode":"net"},"NetworkingConfig":{"EndpointsConfig":{"net":{},"apps":{}}}}'
ok '1.44: two networks at creation' "$status" 201
api POST "$v/containers/create?name=bad" '{"Image":7}'
ok '1.44: wrong types are bad requests' "$status" 400

start faulty --log "$dir/faults" --latency 1 --fault 'GET /version 2 503' --fault 'POST /containers/create 1 after-reset' \
    --fault 'GET */images/json * truncate' --fault 'DELETE * 1 hang'
v=/v1.41
api GET /version
ok 'the first is not the second' "$status" 200
api GET /version
ok 'which fails' "$status" 503
api POST "$v/containers/create?name=lost" '{"Image":"busybox"}'
ok 'an answer that is cut off' "$status" 000
api GET "$v/containers/lost/json"
ok 'was given all the same' "$status" 200
curl -s --unix-socket "$sock" "http://localhost$v/images/json" -o "$body"
ok 'a truncated body' "$?" 18
curl -s --max-time 0.3 --unix-socket "$sock" -X DELETE "http://localhost$v/containers/lost" -o "$body" &
hanging=$!
sleep 0.1
api GET /version
ok 'who hangs does not hang the others' "$status" 200
wait "$hanging"
ok 'hangs' "$?" 28
api GET "$v/containers/lost/json"
ok 'and does nothing' "$status" 200
ok 'faults are in the log' "$(grep -c '"fault"' "$dir/faults")" 4

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
ok 'labs end cleanly' "$ends" ' 0 0 0'
ok 'without their sockets' "$(ls "$dir"/*/docker.sock 2>/dev/null)" ''
: "$app"
echo "1..$count"

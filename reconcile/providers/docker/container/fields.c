#include "config.h"

#include "reconcile/providers/docker/container/fields.h"

static const char *const pull_policies[] = {"missing", "always", "never", NULL};
static const char *const protocols[] = {"tcp", "udp", "sctp", NULL};
static const char *const mount_types[] = {"bind", "volume", "tmpfs", NULL};
static const char *const conditions[] = {"service_started", "service_healthy", "service_completed_successfully", NULL};
static const char *const propagations[] = {"private", "rprivate", "shared", "rshared", "slave", "rslave", NULL};
static const char *const selinux_labels[] = {"z", "Z", NULL};

static const struct hl_field env_file_fields[] = {
    {.name = "path", .type = HL_F_STRING, .required = true, .doc = "the file, relative to the spec"},
    {.name = "required", .type = HL_F_BOOL, .fallback = "true", .doc = "whether it must be there"},
    {.name = "format", .type = HL_F_STRING, .doc = "taken for compose's sake; values are read as compose reads them"},
    {.name = NULL},
};

static const struct hl_field file_fields[] = {
    {.name = "content", .type = HL_F_STRING, .doc = "the text itself"},
    {.name = "template", .type = HL_F_STRING, .local = true, .doc = "a file beside the spec in which ${kind.name.output} and the names of `vars` are filled in",
     .example = "netbird/config.yaml"},
    {.name = "source", .type = HL_F_STRING, .local = true, .doc = "a file beside the spec, taken as it is"},
    {.name = "vars", .type = HL_F_MAP, .item = HL_F_ANY, .local = true, .doc = "what plain ${NAME} of the template stand for",
     .example = "{DOMAIN: \"${var.domain}\"}"},
    {.name = "mode", .type = HL_F_STRING, .fallback = "0644", .normalise = hl_normal_mode, .check = hl_check_mode, .doc = "permissions, octal", .example = "\"0400\""},
    {.name = "uid", .type = HL_F_INT, .fallback = "0", .minimum = 0, .maximum = 4294967294, .doc = "number of the owner inside the container"},
    {.name = "gid", .type = HL_F_INT, .fallback = "0", .minimum = 0, .maximum = 4294967294, .doc = "number of the group inside the container"},
    {.name = NULL},
};

static const struct hl_field port_fields[] = {
    {.name = "target", .type = HL_F_INT, .required = true, .minimum = 1, .maximum = 65535, .doc = "port inside the container"},
    {.name = "published", .type = HL_F_STRING, .doc = "port of the host, or a range of which the first free one is taken; default: any free port"},
    {.name = "host_ip", .type = HL_F_STRING, .doc = "address of the host; default: all, IPv6 included"},
    {.name = "protocol", .type = HL_F_STRING, .allowed = protocols, .fallback = "tcp", .doc = "tcp, udp or sctp"},
    {.name = "mode", .type = HL_F_STRING, .local = true, .doc = "taken for compose's sake, without effect"},
    {.name = "name", .type = HL_F_STRING, .local = true, .doc = "taken for compose's sake, without effect"},
    {.name = "app_protocol", .type = HL_F_STRING, .local = true, .doc = "taken for compose's sake, without effect"},
    {.name = NULL},
};

static const struct hl_field bind_fields[] = {
    {.name = "propagation", .type = HL_F_STRING, .allowed = propagations, .doc = "how mounts below it are passed on"},
    {.name = "create_host_path", .type = HL_F_BOOL, .local = true, .doc = "make a missing folder of the host; the short form does"},
    {.name = "selinux", .type = HL_F_STRING, .allowed = selinux_labels, .doc = "relabel: z shared, Z private"},
    {.name = NULL},
};

static const struct hl_field volume_option_fields[] = {
    {.name = "nocopy", .type = HL_F_BOOL, .fallback = "false", .doc = "do not fill a new volume with what the image has there"},
    {.name = "subpath", .type = HL_F_STRING, .doc = "folder inside the volume (Engine 26 and newer)"},
    {.name = NULL},
};

static const struct hl_field tmpfs_fields[] = {
    {.name = "size", .type = HL_F_SIZE, .doc = "most that fits in"},
    {.name = "mode", .type = HL_F_STRING, .normalise = hl_normal_mode, .check = hl_check_mode, .doc = "permissions, octal"},
    {.name = NULL},
};

static const struct hl_field volume_fields[] = {
    {.name = "type", .type = HL_F_STRING, .allowed = mount_types, .doc = "bind, volume or tmpfs; default: by the form of the source"},
    {.name = "source", .type = HL_F_STRING, .refers_to = "volume", .doc = "a volume's name, or a path of the host (relative to the spec)"},
    {.name = "target", .type = HL_F_STRING, .required = true, .doc = "path inside the container"},
    {.name = "read_only", .type = HL_F_BOOL, .fallback = "false", .doc = "whether the container may only read it"},
    {.name = "bind", .type = HL_F_OBJECT, .fields = bind_fields, .doc = "options of a bind mount"},
    {.name = "volume", .type = HL_F_OBJECT, .fields = volume_option_fields, .doc = "options of a volume"},
    {.name = "tmpfs", .type = HL_F_OBJECT, .fields = tmpfs_fields, .doc = "options of a tmpfs"},
    {.name = "consistency", .type = HL_F_STRING, .local = true, .doc = "taken for compose's sake, without effect"},
    {.name = NULL},
};

static const struct hl_field network_fields[] = {
    {.name = "aliases", .type = HL_F_LIST, .item = HL_F_STRING, .order = HL_SET, .forms = HL_FORM_SINGLE,
     .doc = "more names for the container in this network; its own name and that of the resource always work"},
    {.name = "ipv4_address", .type = HL_F_STRING, .check = hl_check_ip4, .doc = "fixed address; the network needs a subnet of its own"},
    {.name = "ipv6_address", .type = HL_F_STRING, .check = hl_check_ip6, .doc = "fixed IPv6 address"},
    {.name = "link_local_ips", .type = HL_F_LIST, .item = HL_F_STRING, .order = HL_SET, .doc = "link-local addresses"},
    {.name = "driver_opts", .type = HL_F_MAP, .item = HL_F_STRING, .forms = HL_FORM_PAIRS, .doc = "options for the network's driver"},
    {.name = "priority", .type = HL_F_INT, .local = true, .doc = "the network with the highest is connected first"},
    {.name = NULL},
};

static const struct hl_field dependency_fields[] = {
    {.name = "condition", .type = HL_F_STRING, .allowed = conditions, .fallback = "service_started", .doc = "what must be so before this one starts"},
    {.name = "restart", .type = HL_F_BOOL, .doc = "taken for compose's sake, without effect"},
    {.name = "required", .type = HL_F_BOOL, .doc = "taken for compose's sake, without effect"},
    {.name = NULL},
};

static const struct hl_field healthcheck_fields[] = {
    {.name = "test", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_SINGLE, .normalise = hl_normal_test, .check = hl_check_test,
     .doc = "command; a text runs in the image's shell, a list begins with CMD, CMD-SHELL or NONE", .example = "[CMD, wget, -qO-, \"http://localhost/health\"]"},
    {.name = "interval", .type = HL_F_DURATION, .doc = "between two probes; the engine takes 30s"},
    {.name = "timeout", .type = HL_F_DURATION, .doc = "after which a probe has failed; the engine takes 30s"},
    {.name = "retries", .type = HL_F_INT, .minimum = 0, .maximum = 1000000, .doc = "failures in a row that make it unhealthy; the engine takes 3"},
    {.name = "start_period", .type = HL_F_DURATION, .doc = "time after the start in which failures do not count"},
    {.name = "start_interval", .type = HL_F_DURATION, .doc = "between two probes during the start period (Engine 25 and newer)"},
    {.name = "disable", .type = HL_F_BOOL, .doc = "no health check, even if the image has one"},
    {.name = NULL},
};

static const struct hl_field device_fields[] = {
    {.name = "source", .type = HL_F_STRING, .required = true, .doc = "device of the host"},
    {.name = "target", .type = HL_F_STRING, .doc = "its path inside; default: the same"},
    {.name = "permissions", .type = HL_F_STRING, .doc = "some of r, w, m; default: rwm"},
    {.name = NULL},
};

static const struct hl_field ulimit_fields[] = {
    {.name = "soft", .type = HL_F_INT, .doc = "limit that applies; -1 is none"},
    {.name = "hard", .type = HL_F_INT, .doc = "up to where it may be raised"},
    {.name = NULL},
};

static const struct hl_field logging_fields[] = {
    {.name = "driver", .type = HL_F_STRING, .doc = "log driver; default: the engine's"},
    {.name = "options", .type = HL_F_MAP, .item = HL_F_STRING, .doc = "its options", .example = "{max-size: 10m, max-file: \"3\"}"},
    {.name = NULL},
};

const struct hl_field hl_container_fields[] = {
    {.name = "image", .type = HL_F_STRING, .required = true, .immutable = true, .same = hl_same_image, .check = hl_check_image,
     .doc = "image with its tag or digest", .example = "traefik:v3.1"},
    {.name = "pull_policy", .type = HL_F_STRING, .allowed = pull_policies, .fallback = "missing", .local = true,
     .doc = "missing: pull what is not there; always: also look for a newer image of the same tag; never: do not pull"},
    {.name = "platform", .type = HL_F_STRING, .immutable = true, .doc = "os/arch[/variant] of the image", .example = "linux/arm64"},
    {.name = "container_name", .type = HL_F_STRING, .check = hl_check_container_name, .doc = "name in Docker; default: the resource's name"},
    {.name = "command", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_WORDS, .immutable = true, .doc = "instead of the image's command",
     .example = "[--log.level=INFO]"},
    {.name = "entrypoint", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_WORDS, .immutable = true,
     .doc = "instead of the image's entrypoint; the image's command is dropped then"},
    {.name = "environment", .type = HL_F_MAP, .item = HL_F_STRING, .forms = HL_FORM_PAIRS, .immutable = true,
     .doc = "environment variables; a bare KEY takes hlrec's own", .example = "{TZ: Europe/Berlin}"},
    {.name = "env_file", .type = HL_F_LIST, .item = HL_F_OBJECT, .fields = env_file_fields, .shorthand = hl_short_env_file, .forms = HL_FORM_SINGLE, .local = true,
     .doc = "files with KEY=value lines, relative to the spec; `environment` goes before them", .example = "[app.env]"},
    {.name = "files", .type = HL_F_MAP, .item = HL_F_OBJECT, .fields = file_fields, .immutable = true, .check = hl_check_files,
     .doc = "files put into the container before it starts, by their path in it; changed content replaces the container",
     .example = "{/etc/app/config.yaml: {template: app.yaml, mode: \"0400\"}}"},
    {.name = "ports", .type = HL_F_LIST, .item = HL_F_OBJECT, .fields = port_fields, .shorthand = hl_short_port, .order = HL_SET, .immutable = true,
     .normalise = hl_normal_ports, .doc = "ports of the host that lead to the container: [[host_ip:]published:]target[/protocol], ranges too",
     .example = "[\"80:80\", \"127.0.0.1:5432:5432\", \"3478:3478/udp\"]"},
    {.name = "expose", .type = HL_F_LIST, .item = HL_F_STRING, .order = HL_SET, .by_name = true, .immutable = true, .normalise = hl_normal_expose,
     .check = hl_check_expose, .doc = "ports named for information only", .example = "[\"3000\", \"8000/udp\"]"},
    {.name = "volumes", .type = HL_F_LIST, .item = HL_F_OBJECT, .fields = volume_fields, .key = "target", .shorthand = hl_short_volume, .immutable = true,
     .normalise = hl_normal_volumes, .check = hl_check_volumes, .doc = "volumes and folders of the host: [source:]target[:options]",
     .example = "[\"data:/var/lib/app\", \"./conf:/etc/app:ro\"]"},
    {.name = "tmpfs", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_SINGLE, .order = HL_SET, .immutable = true, .normalise = hl_normal_tmpfs,
     .doc = "folders in memory: path[:options]", .example = "[\"/run:size=64m\"]"},
    {.name = "networks", .type = HL_F_MAP, .item = HL_F_OBJECT, .fields = network_fields, .forms = HL_FORM_NAMES, .refers_to = "network",
     .doc = "networks to be in, of the spec or existing ones; default: Docker's bridge", .example = "{backend: {ipv4_address: 172.30.0.10}}"},
    {.name = "network_mode", .type = HL_F_STRING, .immutable = true, .doc = "host, none, bridge, service:NAME or container:NAME, instead of networks"},
    {.name = "depends_on", .type = HL_F_MAP, .item = HL_F_OBJECT, .fields = dependency_fields, .forms = HL_FORM_NAMES, .refers_to = "container", .local = true,
     .doc = "containers that must be up first", .example = "{db: {condition: service_healthy}}"},
    {.name = "healthcheck", .type = HL_F_OBJECT, .fields = healthcheck_fields, .immutable = true, .normalise = hl_normal_healthcheck,
     .doc = "how the engine finds out whether it works; waits and replacements go by it"},
    {.name = "restart", .type = HL_F_STRING, .fallback = "no", .normalise = hl_normal_restart, .check = hl_check_restart,
     .doc = "no, always, unless-stopped, on-failure or on-failure:COUNT"},
    {.name = "labels", .type = HL_F_MAP, .item = HL_F_STRING, .forms = HL_FORM_PAIRS, .immutable = true, .doc = "labels; hlrec adds its own"},
    {.name = "user", .type = HL_F_STRING, .immutable = true, .doc = "user[:group], names of the image or numbers"},
    {.name = "working_dir", .type = HL_F_STRING, .immutable = true, .doc = "folder to start in"},
    {.name = "hostname", .type = HL_F_STRING, .immutable = true, .doc = "host name inside"},
    {.name = "domainname", .type = HL_F_STRING, .immutable = true, .doc = "domain name inside"},
    {.name = "extra_hosts", .type = HL_F_MAP, .item = HL_F_STRING, .forms = HL_FORM_PAIRS, .immutable = true, .normalise = hl_normal_extra_hosts,
     .check = hl_check_extra_hosts, .doc = "lines for /etc/hosts: name to address, several with commas", .example = "{host.docker.internal: host-gateway}"},
    {.name = "dns", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_SINGLE, .immutable = true, .doc = "name servers"},
    {.name = "dns_search", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_SINGLE, .immutable = true, .doc = "domains to search"},
    {.name = "dns_opt", .type = HL_F_LIST, .item = HL_F_STRING, .immutable = true, .doc = "options of the resolver"},
    {.name = "cap_add", .type = HL_F_LIST, .item = HL_F_STRING, .order = HL_SET, .immutable = true, .normalise = hl_normal_capabilities,
     .doc = "capabilities to add", .example = "[NET_ADMIN]"},
    {.name = "cap_drop", .type = HL_F_LIST, .item = HL_F_STRING, .order = HL_SET, .immutable = true, .normalise = hl_normal_capabilities,
     .doc = "capabilities to take away", .example = "[ALL]"},
    {.name = "devices", .type = HL_F_LIST, .item = HL_F_OBJECT, .fields = device_fields, .key = "target", .shorthand = hl_short_device, .immutable = true,
     .normalise = hl_normal_devices, .doc = "devices of the host: source[:target[:permissions]]", .example = "[/dev/net/tun]"},
    {.name = "device_cgroup_rules", .type = HL_F_LIST, .item = HL_F_STRING, .order = HL_SET, .immutable = true, .doc = "rules for devices, as the kernel writes them"},
    {.name = "sysctls", .type = HL_F_MAP, .item = HL_F_STRING, .forms = HL_FORM_PAIRS, .immutable = true, .doc = "kernel parameters of its namespaces",
     .example = "{net.ipv4.ip_forward: 1}"},
    {.name = "ulimits", .type = HL_F_MAP, .item = HL_F_OBJECT, .fields = ulimit_fields, .shorthand = hl_short_ulimit, .immutable = true,
     .doc = "limits of its processes: a number, or soft and hard", .example = "{nofile: {soft: 1024, hard: 65536}}"},
    {.name = "security_opt", .type = HL_F_LIST, .item = HL_F_STRING, .order = HL_SET, .immutable = true, .normalise = hl_normal_security,
     .doc = "no-new-privileges, seccomp=..., apparmor=..., label=...", .example = "[\"no-new-privileges:true\"]"},
    {.name = "privileged", .type = HL_F_BOOL, .fallback = "false", .immutable = true, .doc = "all rights on the host"},
    {.name = "read_only", .type = HL_F_BOOL, .fallback = "false", .immutable = true, .doc = "whether its own file system may only be read"},
    {.name = "init", .type = HL_F_BOOL, .fallback = "false", .immutable = true, .doc = "a small init that reaps processes and passes signals on"},
    {.name = "stop_signal", .type = HL_F_STRING, .immutable = true, .doc = "signal that asks it to end; default: the image's, else SIGTERM"},
    {.name = "stop_grace_period", .type = HL_F_DURATION, .immutable = true, .normalise = hl_normal_seconds, .doc = "time to end before it is killed; the engine takes 10s"},
    {.name = "mem_limit", .type = HL_F_SIZE, .must_replace = hl_removal_replaces, .doc = "most memory; to drop it the container is replaced", .example = "512m"},
    {.name = "memswap_limit", .type = HL_F_STRING, .must_replace = hl_removal_replaces, .normalise = hl_normal_swap, .check = hl_check_swap,
     .doc = "most memory and swap together, -1 for no limit; the engine takes twice mem_limit"},
    {.name = "mem_reservation", .type = HL_F_SIZE, .must_replace = hl_removal_replaces, .doc = "memory to be left with when it gets scarce"},
    {.name = "cpus", .type = HL_F_NUMBER, .must_replace = hl_removal_replaces, .normalise = hl_normal_cpus, .doc = "processors' worth of time", .example = "1.5"},
    {.name = "cpu_shares", .type = HL_F_INT, .must_replace = hl_removal_replaces, .minimum = 2, .maximum = 262144, .doc = "weight against other containers"},
    {.name = "cpuset", .type = HL_F_STRING, .must_replace = hl_removal_replaces, .doc = "processors to run on", .example = "\"0-2,4\""},
    {.name = "pids_limit", .type = HL_F_INT, .fallback = "-1", .normalise = hl_normal_pids, .doc = "most processes; -1 is no limit"},
    {.name = "shm_size", .type = HL_F_SIZE, .immutable = true, .doc = "size of /dev/shm; the engine takes 64m"},
    {.name = "oom_score_adj", .type = HL_F_INT, .minimum = -1000, .maximum = 1000, .fallback = "0", .immutable = true, .doc = "how soon it is killed when memory runs out"},
    {.name = "oom_kill_disable", .type = HL_F_BOOL, .fallback = "false", .immutable = true, .doc = "never kill it for memory (cgroup v1)"},
    {.name = "logging", .type = HL_F_OBJECT, .fields = logging_fields, .immutable = true, .doc = "where its output goes",
     .example = "{driver: json-file, options: {max-size: 10m}}"},
    {.name = "pid", .type = HL_F_STRING, .immutable = true, .doc = "process namespace: host, service:NAME or container:NAME"},
    {.name = "ipc", .type = HL_F_STRING, .immutable = true, .doc = "IPC namespace: private, shareable, host, none, service:NAME or container:NAME"},
    {.name = "uts", .type = HL_F_STRING, .immutable = true, .doc = "host for the host's UTS namespace"},
    {.name = "userns_mode", .type = HL_F_STRING, .immutable = true, .doc = "host to switch user namespaces off"},
    {.name = "cgroup", .type = HL_F_STRING, .immutable = true, .doc = "cgroup namespace: host or private"},
    {.name = "cgroup_parent", .type = HL_F_STRING, .immutable = true, .doc = "cgroup to be put below"},
    {.name = "group_add", .type = HL_F_LIST, .item = HL_F_STRING, .order = HL_SET, .immutable = true, .doc = "more groups for its user"},
    {.name = "tty", .type = HL_F_BOOL, .fallback = "false", .immutable = true, .doc = "a terminal"},
    {.name = "stdin_open", .type = HL_F_BOOL, .fallback = "false", .immutable = true, .doc = "keep its input open"},
    {.name = "runtime", .type = HL_F_STRING, .immutable = true, .doc = "OCI runtime; default: the engine's"},

    /* Known, and not for hlrec. */
    {.name = "build", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "build the image before, and name it in `image`"},
    {.name = "deploy", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "limits are `mem_limit`, `mem_reservation`, `cpus` and `pids_limit`; restarts are `restart`"},
    {.name = "scale", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "write a block for each container; YAML anchors share what is common"},
    {.name = "profiles", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "use `when: \"${var.NAME}\"`"},
    {.name = "extends", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "share settings by YAML anchors and `<<`"},
    {.name = "secrets", .type = HL_F_ANY, .local = true,
     .doc = HL_UNSUPPORTED "put it in a file, `files: {/run/secrets/NAME: {content: \"${secret.NAME}\", mode: \"0400\"}}`, or into `environment`"},
    {.name = "configs", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "use `files: {/path: {source: FILE}}`"},
    {.name = "links", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "containers of one network reach each other by name; further names are `aliases` there"},
    {.name = "external_links", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "put both containers into one network"},
    {.name = "volumes_from", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "name the same volumes in both containers"},
    {.name = "label_file", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "write the labels under `labels`"},
    {.name = "develop", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "it serves development; remove it here"},
    {.name = "attach", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "nothing is attached; remove it here"},
    {.name = "post_start", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "use a container of its own with `depends_on`"},
    {.name = "pre_stop", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "use `stop_signal` and `stop_grace_period`"},
    {.name = "gpus", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "use `runtime: nvidia` with NVIDIA_VISIBLE_DEVICES, or `devices`"},
    {.name = "annotations", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "use `labels`"},
    {.name = "mac_address", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "use `hostname` or a fixed `ipv4_address` to be recognised by"},
    {.name = "cpu_count", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "use `cpus`"},
    {.name = "cpu_percent", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "use `cpus`"},
    {.name = "cpu_quota", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "use `cpus`: the quota divided by the period"},
    {.name = "cpu_period", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "use `cpus`"},
    {.name = "cpu_rt_runtime", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "remove it here"},
    {.name = "cpu_rt_period", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "remove it here"},
    {.name = "mem_swappiness", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "use `memswap_limit`"},
    {.name = "blkio_config", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "remove it here"},
    {.name = "storage_opt", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "remove it here"},
    {.name = "isolation", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "it is for Windows"},
    {.name = "credential_spec", .type = HL_F_ANY, .local = true, .doc = HL_UNSUPPORTED "it is for Windows"},

    /* Not written by anybody, compared all the same. */
    {.name = "state", .type = HL_F_STRING, .internal = true, .same = hl_same_state, .doc = "running; a container that is not to be restarted may also have completed"},
    {.name = "image_state", .type = HL_F_STRING, .internal = true, .immutable = true, .doc = "whether the tag of `image` still points to the image in use"},
    {.name = "joins", .type = HL_F_MAP, .item = HL_F_STRING, .internal = true, .immutable = true,
     .doc = "ids of the containers whose namespaces are shared: when one is replaced, this one must be too"},

    {.name = "id", .type = HL_F_STRING, .computed = true, .doc = "id of the container"},
    {.name = "image_id", .type = HL_F_STRING, .computed = true, .doc = "id of the image in use"},
    {.name = "ip_address", .type = HL_F_STRING, .computed = true, .doc = "address in its first network"},
    {.name = "ip_addresses", .type = HL_F_MAP, .item = HL_F_STRING, .computed = true, .doc = "addresses by network"},
    {.name = "status", .type = HL_F_STRING, .computed = true, .doc = "running, exited, paused, ..."},
    {.name = "health", .type = HL_F_STRING, .computed = true, .doc = "healthy, unhealthy or starting, with a health check"},
    {.name = "exit_code", .type = HL_F_INT, .computed = true, .doc = "of a container that has ended"},
    {.name = NULL},
};

/* The decoder's room for the fields of one kind. */
_Static_assert(HL_COUNT(hl_container_fields) <= 128, "the decoder takes 128 fields");
